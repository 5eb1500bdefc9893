import {
  Body,
  ConflictException,
  Delete,
  ForbiddenException,
  Get,
  Header,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  Res,
  UnprocessableEntityException,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Memberships } from '../auth/index.js';
import { didYouMean, formatDuration } from '#lib/config';
import type { Caller } from '#lib/extension-kit';
import { ServerRegistry } from '../registry/index.js';
import { AccessTokens, isAccessToken, TokensConfig, type AccessToken, type NewAccessToken } from '../tokens/index.js';
import { RequireRoles } from './admin-guard.js';
import { ResourceNotFound } from './admin.errors.js';
import { AdminController } from './admin-route.js';
import { CurrentCaller } from './request-caller.js';
import { paginate, type Page } from './pages.js';
import { TokenQuery, TokenRequest } from './token-requests.js';
import { DescribeRoute } from './openapi/route-description.js';

type TokenResponse = AccessToken & { readonly token?: string };

/** Personal access tokens: everybody's own, and all of them for those who look after the gateway. */
@AdminController('tokens')
export class TokensController {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly config: TokensConfig,
    private readonly registry: ServerRegistry,
    private readonly memberships: Memberships,
  ) {}

  /** Own ones; those of all subjects for roles admin and auditor. */
  @Get()
  @RequireRoles(['admin', 'operator', 'auditor', 'user'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Lists personal access tokens: own ones, or all', response: 'AccessTokenPage' })
  async list(@Query() query: TokenQuery, @CurrentCaller() sender: Caller): Promise<Page<TokenResponse>> {
    const { subject } = query;
    const wanted = (await this.tokens.list()).filter(
      (token) => isFor(token, sender) && (subject === undefined || token.subject === subject),
    );
    return paginate(wanted, ({ id }) => id, query);
  }

  @Get(':id')
  @RequireRoles(['admin', 'operator', 'auditor', 'user'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Shows a personal access token, without its secret', response: 'AccessToken' })
  async find(@Param('id') id: string, @CurrentCaller() sender: Caller): Promise<TokenResponse> {
    const token = (await this.tokens.list()).find((each) => each.id === id);
    if (!token || !isFor(token, sender)) throw new ResourceNotFound('The token');
    return token;
  }

  /** The answer holds the token itself, which nobody can be shown again. */
  @Post()
  @RequireRoles(['admin', 'operator', 'auditor', 'user'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({
    summary: 'Makes a personal access token; the answer alone holds the token itself',
    response: 'AccessToken',
  })
  async create(
    @Body() request: TokenRequest,
    @CurrentCaller() sender: Caller,
    @Headers('authorization') authorization: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    if (isAccessToken(authorization?.split(' ').at(-1) ?? '')) {
      throw new ForbiddenException('A personal access token makes no other. Use the token of a login.');
    }
    const made = await this.tokens.create(this.toNewToken(request, sender));
    if (!made) throw new ConflictException(`There are ${this.config.maxPerSubject} tokens already. Revoke one first.`);
    void reply.header('location', `/admin/v1/tokens/${made.token.id}`);
    return { ...made.token, token: made.text };
  }

  /** Revokes it: within two seconds it is refused at every worker. */
  @Delete(':id')
  @RequireRoles(['admin', 'operator', 'auditor', 'user'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'Revokes a personal access token' })
  async revoke(@Param('id') id: string, @CurrentCaller() sender: Caller): Promise<void> {
    const token = (await this.tokens.list()).find((each) => each.id === id);
    if (!token || !isFor(token, sender)) throw new ResourceNotFound('The token');
    if (!isOwn(token, sender) && !sender.roles.includes('admin')) {
      throw new ForbiddenException("Somebody else's token is revoked by role admin only.");
    }
    if (!(await this.tokens.revoke(id))) throw new ResourceNotFound('The token');
  }

  private toNewToken(request: TokenRequest, sender: Caller): NewAccessToken {
    const { title, expiresIn, servers } = request;
    const { maxLifetimeMs: longestLifetimeMs } = this.config;
    if (expiresIn <= 0 || expiresIn > longestLifetimeMs) {
      throw new UnprocessableEntityException(`expiresIn must be at most ${formatDuration(longestLifetimeMs)}.`);
    }
    for (const slug of servers ?? []) this.requireServer(slug);
    return {
      title,
      ...this.resolveGrants(request, sender),
      ...(servers && { servers: [...new Set(servers)] }),
      createdBy: sender.key,
      expiresAt: new Date(Date.now() + expiresIn),
    };
  }

  /** Whom the token stands for, and with what: for oneself no more than one has, and no longer than one's teams give it. */
  private resolveGrants({ subject, roles, scopes }: TokenRequest, sender: Caller) {
    const { issuer, subject: own } = sender.principal;
    const isAdmin = sender.roles.includes('admin');
    const wanted = [...new Set(roles)];
    if (subject !== undefined && subject !== own) {
      if (!isAdmin) throw new ForbiddenException('Only role admin makes tokens for others.');
      return { issuer, subject, roles: wanted, scopes: scopes ?? [], teams: [] };
    }
    const given = scopes ?? sender.scopes;
    const surplus = [
      ...wanted.filter((role) => !sender.roles.includes(role)),
      ...given.filter((scope) => !sender.scopes.includes(scope)),
    ];
    if (surplus.length > 0 && !isAdmin) {
      throw new ForbiddenException(`A token cannot have what its maker has not: ${surplus.join(', ')}.`);
    }
    const joined = this.memberships.grantsFromTeams(sender);
    const teamRoles = wanted.filter((role) => joined.roles.includes(role));
    return {
      issuer,
      subject: own,
      roles: wanted.filter((role) => !teamRoles.includes(role)),
      ...(teamRoles.length > 0 && { teamRoles }),
      scopes: given,
      teams: sender.teams.filter((team) => !joined.teams.includes(team)),
    };
  }

  private requireServer(slug: string): void {
    const slugs = new Set(this.registry.snapshot.servers.map((server) => server.slug));
    if (slugs.has(slug)) return;
    throw new UnprocessableEntityException(`servers: There is no server of this name.${didYouMean(slug, slugs)}`);
  }
}

const isOwn = ({ issuer, subject }: AccessToken, { principal }: Caller): boolean =>
  issuer === principal.issuer && subject === principal.subject;

const isFor = (token: AccessToken, sender: Caller): boolean =>
  isOwn(token, sender) || sender.roles.includes('admin') || sender.roles.includes('auditor');
