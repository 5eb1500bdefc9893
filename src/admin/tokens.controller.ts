import {
  Body,
  ConflictException,
  Delete,
  ForbiddenException,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
  Res,
  UnprocessableEntityException,
} from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Clock } from '#lib/time';
import { Memberships } from '../memberships/index.js';
import { didYouMean, formatDuration } from '#lib/config';
import type { Caller } from '#lib/extension-kit';
import { identityOf, ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { AccessTokens, maxLifetimeOf, TokensConfig, type AccessToken, type NewAccessToken } from '../tokens/index.js';
import { RequireRoles } from './admin-guard.js';
import { ResourceNotFound } from './admin.errors.js';
import { AdminController } from './admin-route.js';
import { CurrentCaller } from './request-caller.js';
import { paginate, type Page } from './pages.js';
import { TokenQuery, TokenRequest } from './token-requests.js';
import { DescribeRoute } from './openapi/route-description.js';
import { isOwn, isVisibleTo } from './visible-tokens.js';

const DEFAULT_LIFETIME_MS = 30 * 86_400_000;

type TokenResponse = Omit<AccessToken, 'serverIdentities'> & { readonly token?: string };

/** Personal access tokens: those of the caller, and those of all subjects for some roles. */
@AdminController('tokens')
export class TokensController {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly config: TokensConfig,
    private readonly registry: ServerRegistry,
    private readonly memberships: Memberships,
    private readonly clock: Clock,
  ) {}

  /** Roles admin and auditor see the tokens of all subjects; other roles see their own. */
  @Get()
  @RequireRoles(['admin', 'operator', 'auditor', 'user'])
  @DescribeRoute({
    summary: 'List personal access tokens: of all subjects for admins and auditors, else of the caller',
    response: 'AccessTokenPage',
  })
  async list(@Query() query: TokenQuery, @CurrentCaller() caller: Caller): Promise<Page<TokenResponse>> {
    const { subject } = query;
    const matching = (await this.tokens.list()).filter(
      (token) => isVisibleTo(token, caller) && (subject === undefined || token.subject === subject),
    );
    return paginate(matching.map(toResponse), ({ id }) => id, query);
  }

  @Get(':id')
  @RequireRoles(['admin', 'operator', 'auditor', 'user'])
  @DescribeRoute({ summary: 'Show a personal access token without its secret', response: 'AccessToken' })
  async find(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<TokenResponse> {
    const token = (await this.tokens.list()).find((each) => each.id === id);
    if (!token || !isVisibleTo(token, caller)) throw new ResourceNotFound('The token');
    return toResponse(token);
  }

  /** Only this response contains the text of the token. */
  @Post()
  @RequireRoles(['admin', 'operator', 'auditor', 'user'])
  @DescribeRoute({
    summary: 'Create a personal access token; only this response contains its text',
    response: 'AccessToken',
  })
  async create(
    @Body() request: TokenRequest,
    @CurrentCaller() caller: Caller,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TokenResponse> {
    // The token may also be that of a session of the admin page, which sends no such header.
    if (caller.accessToken !== undefined) {
      throw new ForbiddenException('A personal access token cannot create another one. Use a token of a login.');
    }
    const created = await this.tokens.create(this.toNewToken(request, caller));
    if (!created) {
      throw new ConflictException(
        `The subject already has the maximum of ${this.config.maxPerSubject} tokens. Revoke one first.`,
      );
    }
    void reply.header('location', `/admin/v1/tokens/${created.token.id}`);
    return { ...toResponse(created.token), token: created.text };
  }

  /** Every worker refuses the token within two seconds. */
  @Delete(':id')
  @RequireRoles(['admin', 'operator', 'auditor', 'user'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'Revoke a personal access token' })
  async revoke(@Param('id') id: string, @CurrentCaller() caller: Caller): Promise<void> {
    const token = (await this.tokens.list()).find((each) => each.id === id);
    if (!token || !isVisibleTo(token, caller)) throw new ResourceNotFound('The token');
    if (!isOwn(token, caller) && !caller.roles.includes('admin')) {
      throw new ForbiddenException('Only role admin may revoke the token of another subject.');
    }
    if (!(await this.tokens.revoke(id))) throw new ResourceNotFound('The token');
  }

  private toNewToken(request: TokenRequest, caller: Caller): NewAccessToken {
    const { title, servers } = request;
    const narrowedTo = servers && [...new Set(servers)].map((slug) => this.requireServer(slug));
    const grants = this.resolveGrants(request, caller);
    const expiresIn = this.resolveLifetime(request, grants);
    return {
      title,
      ...grants,
      ...(narrowedTo && {
        servers: narrowedTo.map(({ slug }) => slug),
        serverIdentities: narrowedTo.map(identityOf),
      }),
      createdBy: caller.key,
      expiresAt: new Date(this.clock.now() + expiresIn),
    };
  }

  private resolveLifetime({ expiresIn }: TokenRequest, grants: Pick<NewAccessToken, 'roles' | 'teamRoles'>): number {
    const maxLifetimeMs = maxLifetimeOf(grants, this.config);
    if (expiresIn === undefined) return Math.min(DEFAULT_LIFETIME_MS, maxLifetimeMs);
    if (expiresIn <= 0) throw new UnprocessableEntityException('expiresIn must be longer than zero.');
    if (expiresIn <= maxLifetimeMs) return expiresIn;
    const isShortened = maxLifetimeMs < this.config.maxLifetimeMs;
    throw new UnprocessableEntityException(
      `expiresIn must be at most ${formatDuration(maxLifetimeMs)}${isShortened ? ' for a token with these roles' : ''}.`,
    );
  }

  /**
   * Resolves the subject and rights of a token. A token of the caller has at most the rights of the caller, and rights
   * granted through teams only while the teams grant them.
   */
  private resolveGrants({ subject, roles, scopes }: TokenRequest, caller: Caller) {
    const { issuer, subject: own } = caller.principal;
    const isAdmin = caller.roles.includes('admin');
    const requestedRoles = [...new Set(roles)];
    if (subject !== undefined && subject !== own) {
      if (!isAdmin) throw new ForbiddenException('Only role admin may create tokens of other subjects.');
      return { issuer, subject, roles: requestedRoles, scopes: scopes ?? [], teams: [] };
    }
    const grantedScopes = scopes ?? caller.scopes;
    const excess = [
      ...requestedRoles.filter((role) => !caller.roles.includes(role)),
      ...grantedScopes.filter((scope) => !caller.scopes.includes(scope)),
    ];
    if (excess.length > 0 && !isAdmin) {
      throw new ForbiddenException(`A token cannot have rights that its creator lacks: ${excess.join(', ')}.`);
    }
    const joined = this.memberships.grantsFromTeams(caller);
    const teamRoles = requestedRoles.filter((role) => joined.roles.includes(role));
    return {
      issuer,
      subject: own,
      roles: requestedRoles.filter((role) => !teamRoles.includes(role)),
      ...(teamRoles.length > 0 && { teamRoles }),
      scopes: grantedScopes,
      teams: caller.teams.filter((team) => !joined.teams.includes(team)),
    };
  }

  private requireServer(slug: string): ServerDefinition {
    const { servers } = this.registry.snapshot;
    const found = servers.find((server) => server.slug === slug);
    if (found) return found;
    const slugs = new Set(servers.map((server) => server.slug));
    throw new UnprocessableEntityException(`servers: No server is named "${slug}".${didYouMean(slug, slugs)}`);
  }
}

const toResponse = ({ serverIdentities: _identities, ...token }: AccessToken): TokenResponse => token;
