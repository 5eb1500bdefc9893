import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import type { CredentialSource, UpstreamConnection, UpstreamConnector } from '../upstream/index.js';
import { withinBudget, type ConnectAttempts } from './connect-attempts.js';
import type { ConnectionSlots } from './connection-slots.js';
import { mapHandshakeErrors } from './handshake-errors.js';
import { openLocallyIfUnreachable, type Placement } from './placement.js';
import type { PoolEntry } from './pool-entry.js';
import type { UpstreamSessionHandoff } from './upstream-session-handoff.js';
import { backOffOwnerOf, clientEraOf, type ConnectionScope, type Sharing } from './sharing.js';

/**
 * How long the owner of a child process is asked again while it is alive but does not accept the lease: a second process would
 * not have the state of the first.
 */
const OWNER_RETRY_TIMEOUT_MS = 2_000;
const OWNER_RETRY_INTERVAL_MS = 100;

const NEVER_ABORTED = new AbortController().signal;

/** Opens the connection of a pool entry: on this worker, or as a lease on the connection of the worker that owns it. */
export class ConnectionOpener {
  constructor(
    private readonly connector: UpstreamConnector,
    private readonly placement: Placement,
    private readonly slots: ConnectionSlots,
    private readonly attempts: ConnectAttempts,
    private readonly clock: Clock,
    private readonly credentials: CredentialSource,
    private readonly handoff: Pick<UpstreamSessionHandoff, 'continue'>,
  ) {}

  /**
   * Rejects with a GatewayError.
   * @param startedAt the monotonic time at which the request began to connect
   */
  open(entry: PoolEntry, scope: ConnectionScope, startedAt: number): Promise<UpstreamConnection> {
    const { server, sharing } = entry;
    const sharedBy = sharing?.key ?? `alone ${entry.account} ${scope.caller.key}`;
    const openLocally = () => this.openLocally(entry, scope, startedAt);
    const connect = () =>
      sharing === undefined || entry.remoteWorker === undefined
        ? openLocally()
        : this.leaseWithRetry(entry, scope, sharing, startedAt).catch(openLocallyIfUnreachable(openLocally));
    return this.attempts.run(server, sharedBy, () => mapHandshakeErrors(server, connect()));
  }

  private async openLocally(entry: PoolEntry, scope: ConnectionScope, startedAt: number): Promise<UpstreamConnection> {
    const { server, account } = entry;
    entry.remoteWorker = undefined;
    if (server.transport === 'stdio') this.slots.acquireProcess(entry);
    const asked = this.credentials.obtain(server, account, scope.caller);
    const credentials = asked && (await asked);
    const continued = this.handoff.continue(entry, scope.session, credentials);
    if (continued) return continued;
    const attempt = {
      signal: NEVER_ABORTED,
      credentials,
      budgetMs: this.attempts.budgetFrom(startedAt, server),
      owner: backOffOwnerOf(server, scope.caller, account),
      // The endpoint of this server alone: what the server sends outside any call is part of the conversation.
      clientEra: clientEraOf(server, scope),
      opensServerStream: scope.session?.start.endpoint === server.slug,
    };
    return this.connector.open(server, scope.client, entry, attempt);
  }

  private async leaseWithRetry(
    entry: PoolEntry,
    scope: ConnectionScope,
    sharing: Sharing,
    startedAt: number,
  ): Promise<UpstreamConnection> {
    const { server, remoteWorker = '' } = entry;
    const giveUpAt = this.clock.monotonicNow() + OWNER_RETRY_TIMEOUT_MS;
    for (;;) {
      try {
        return await this.openRemotely(entry, scope, sharing, startedAt);
      } catch (cause) {
        const isUnaccepted = cause instanceof GatewayError && cause.code === GatewayCode.ownerUnreachable;
        const isOver = this.placement.isDead(remoteWorker) || this.clock.monotonicNow() >= giveUpAt;
        if (server.transport !== 'stdio' || !isUnaccepted || isOver) throw cause;
      }
      await this.clock.sleep(OWNER_RETRY_INTERVAL_MS);
    }
  }

  private openRemotely(
    entry: PoolEntry,
    scope: ConnectionScope,
    sharing: Sharing,
    startedAt: number,
  ): Promise<UpstreamConnection> {
    const { server, remoteWorker = '' } = entry;
    const lease = this.placement.open(remoteWorker, server, scope, sharing, entry);
    return withinBudget(lease, this.attempts.budgetFrom(startedAt, server), this.clock);
  }
}
