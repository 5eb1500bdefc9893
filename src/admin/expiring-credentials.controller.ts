import { Get, Header, Query } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import { Clock } from '#lib/time';
import { credentialLifetimeOf, ServerRegistry, type CredentialLifetime } from '../registry/index.js';
import { AccessTokens } from '../tokens/index.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';
import { paginate, PageQuery, type Page } from './pages.js';
import { CurrentCaller } from './request-caller.js';
import { isVisibleTo } from './visible-tokens.js';

const HORIZON_MS = 7 * 86_400_000;
/** A credential that lives for a short time only is renewed often, and nobody should look at it for most of that time. */
const LAST_PART_OF_LIFE = 0.2;

/** A credential that expires soon, without the credential itself. */
interface ExpiringCredential {
  readonly kind: 'accessToken' | 'server';
  /** Id of the personal access token, or slug of the server whose entry contains the credential. */
  readonly id: string;
  /** Title and subject of a personal access token. */
  readonly title?: string;
  readonly subject?: string;
  /** RFC 3339. In the past for a credential of a server that has expired. */
  readonly expiresAt: string;
}

/** Credentials that somebody should renew. */
@AdminController('expiring-credentials')
export class ExpiringCredentialsController {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly registry: ServerRegistry,
    private readonly clock: Clock,
  ) {}

  /** A credential of a server is known to expire only if it is a JSON Web Token. */
  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({
    summary:
      'List personal access tokens and credentials of servers that expire within a week, in the last fifth of their lifetime',
    response: 'ExpiringCredentials',
  })
  async list(@Query() query: PageQuery, @CurrentCaller() caller: Caller): Promise<Page<ExpiringCredential>> {
    const all = [...(await this.accessTokens(caller)), ...this.ofServers()];
    return paginate(all, ({ expiresAt, kind, id }) => `${expiresAt} ${kind} ${id}`, query);
  }

  private async accessTokens(caller: Caller): Promise<ExpiringCredential[]> {
    const visible = (await this.tokens.list()).filter((token) => isVisibleTo(token, caller));
    return visible.flatMap(({ id, title, subject, createdAt, expiresAt }) =>
      this.isExpiring({ issuedAt: createdAt.getTime(), expiresAt: expiresAt.getTime() })
        ? [{ kind: 'accessToken' as const, id, title, subject, expiresAt: expiresAt.toISOString() }]
        : [],
    );
  }

  private ofServers(): ExpiringCredential[] {
    const enabled = this.registry.snapshot.servers.filter((server) => server.enabled);
    return enabled.flatMap((server) => {
      const lifetime = credentialLifetimeOf(server);
      if (!lifetime || !this.isExpiring(lifetime)) return [];
      return [{ kind: 'server' as const, id: server.slug, expiresAt: new Date(lifetime.expiresAt).toISOString() }];
    });
  }

  private isExpiring({ issuedAt, expiresAt }: CredentialLifetime): boolean {
    const lifetimeMs = issuedAt === undefined ? Infinity : expiresAt - issuedAt;
    return expiresAt - this.clock.now() < Math.min(HORIZON_MS, lifetimeMs * LAST_PART_OF_LIFE);
  }
}
