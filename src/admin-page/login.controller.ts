import type { IncomingMessage } from 'node:http';
import { Controller, Get, Header, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ProtectedResource } from '../auth/index.js';
import { LoginFailed, LoginStates, OpenIdProvider } from '../page-sessions/index.js';
import { LoginRecords } from './login-records.js';
import { OpenIdLogin } from './open-id-login.js';

const PAGE = '/admin/ui/';
const FOUND = 302;
const CALLBACK = '/admin/ui/callback';
const LOGIN_AGAIN = 'The login took too long, or was started again in another tab. Log in again.';
const UNEXPECTED = 'The login failed unexpectedly. Log in again; the log of the gateway says more.';

/** A place in the admin page: what follows `#` in its address. */
const PLACE = /^\/[\x21-\x7e]{0,2000}$/;

interface RawRequest {
  readonly raw: IncomingMessage;
}

/** Logs browsers in over the configured OpenID provider. Failures lead to the page, which shows them. */
@Controller('admin/ui')
export class LoginController {
  constructor(
    private readonly provider: OpenIdProvider,
    private readonly states: LoginStates,
    private readonly resource: ProtectedResource,
    private readonly logins: OpenIdLogin,
    private readonly records: LoginRecords,
  ) {}

  @Get('login')
  @Header('cache-control', 'no-store')
  async begin(@Req() { raw }: RawRequest, @Query('return') place: unknown, @Res() reply: FastifyReply): Promise<void> {
    const returnTo = typeof place === 'string' && PLACE.test(place) ? place : '/';
    const redirectUri = this.resource.baseUrl(raw.headers.host) + CALLBACK;
    try {
      const { url, login } = await this.provider.begin(redirectUri);
      void reply.header('set-cookie', this.states.write({ ...login, redirectUri, returnTo }));
      void reply.status(FOUND).header('location', url.href).send();
    } catch (cause) {
      this.refuse(raw, reply, cause);
    }
  }

  @Get('callback')
  @Header('cache-control', 'no-store')
  async finish(@Req() { raw }: RawRequest, @Res() reply: FastifyReply): Promise<void> {
    try {
      const login = this.states.read(raw.headers);
      if (!login) throw new LoginFailed(LOGIN_AGAIN);
      const setCookie = await this.logins.finish(raw, login);
      void reply.header('set-cookie', [setCookie, this.states.clear()]);
      void reply.status(FOUND).header('location', `${PAGE}#${login.returnTo}`).send();
    } catch (cause) {
      void reply.header('set-cookie', this.states.clear());
      this.refuse(raw, reply, cause);
    }
  }

  private refuse(request: IncomingMessage, reply: FastifyReply, cause: unknown): void {
    const message = cause instanceof LoginFailed ? cause.message : UNEXPECTED;
    this.records.recordRefused(request, cause);
    void reply
      .status(FOUND)
      .header('location', `${PAGE}#/login?error=${encodeURIComponent(message)}`)
      .send();
  }
}
