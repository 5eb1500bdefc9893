import type { IncomingMessage } from 'node:http';
import { Body, Controller, Delete, Get, Header, HttpCode, Post, Req, Res, UseFilters, UsePipes } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsNotEmpty, IsString, MaxLength } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { createValidation, JsonBodyPipe, ProblemFilter } from '../admin/index.js';
import { OpenIdProvider, PageSessions } from '../page-sessions/index.js';
import { PageLogin, type SessionResponse } from './page-login.js';

const MAX_TOKEN_LENGTH = 8_192;
/** The caller is not known yet when the body is read. */
const MAX_BODY_BYTES = 64 * 1024;

interface RawRequest {
  readonly raw: IncomingMessage;
}

/** A login with a token. */
class TokenLogin {
  /** A token as `isthmus token` prints it, or a personal access token. */
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_TOKEN_LENGTH)
  readonly token!: string;
}

interface LoginOptions {
  readonly token: true;
  readonly openId: { readonly name: string } | null;
}

/** The session of the admin page in a browser. */
@Controller('admin/ui')
@UsePipes(new JsonBodyPipe(MAX_BODY_BYTES), createValidation())
@UseFilters(ProblemFilter)
export class SessionController {
  constructor(
    private readonly logins: PageLogin,
    private readonly sessions: PageSessions,
    private readonly provider: OpenIdProvider,
  ) {}

  @Get('login-options')
  @Header('cache-control', 'no-store')
  options(): LoginOptions {
    const { name } = this.provider;
    return { token: true, openId: name === undefined ? null : { name } };
  }

  @Get('session')
  @Header('cache-control', 'no-store')
  async find(@Req() { raw }: RawRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<SessionResponse> {
    try {
      return await this.logins.find(raw);
    } catch (cause) {
      void reply.headers(this.sessions.clearingHeaders(raw.headers, cause));
      throw cause;
    }
  }

  @Post('session')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async open(
    @Req() { raw }: RawRequest,
    @Body() { token }: TokenLogin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionResponse> {
    // Another page must not log a browser in with a token of its own.
    this.sessions.requireOwnPage(raw);
    const { response, setCookie } = await this.logins.login(raw, { token, loginMethod: 'token' });
    void reply.header('set-cookie', setCookie);
    return response;
  }

  @Delete('session')
  @HttpCode(204)
  @Header('cache-control', 'no-store')
  async end(@Req() { raw }: RawRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    void reply.header('set-cookie', await this.logins.logout(raw));
  }
}
