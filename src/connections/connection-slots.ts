import type { Clock } from '#lib/time';
import { TooManyProcesses, TooManyUpstreamSessions } from './connections.errors.js';
import type { ConnectionsConfig } from './connections.config.js';
import type { ConnectionTable } from './connection-table.js';
import type { KnownServers } from './known-servers.js';
import type { PoolEntry } from './pool-entry.js';
import { clientEraOf, quotaKeyOf, type ConnectionScope } from './sharing.js';
import { SlotPool } from './slot-pool.js';

/** Limits the child processes of each server, and the upstream sessions and processes of each principal there. */
export class ConnectionSlots {
  private readonly processes: SlotPool;
  private readonly sessions: SlotPool;

  constructor(
    private readonly config: ConnectionsConfig,
    private readonly table: ConnectionTable,
    private readonly known: KnownServers,
    private readonly clock: Clock,
    private readonly retire: (entry: PoolEntry) => void,
  ) {
    this.processes = new SlotPool(config.maxChildProcesses);
    this.sessions = new SlotPool(config.maxUpstreamSessionsPerPrincipal);
  }

  /** @throws TooManyProcesses if the limit is reached and no process can be evicted */
  acquireProcess(entry: PoolEntry): void {
    const { slug } = entry.server;
    const evict = () =>
      this.evictLongestIdle(({ server, remoteWorker: worker }) => server.slug === slug && worker === undefined);
    entry.holdSlot(this.processes.acquire(slug, evict, (limit) => new TooManyProcesses(slug, limit)));
  }

  /** @throws TooManyUpstreamSessions if the principal's limit is reached and none of its sessions can be evicted */
  acquireSession(entry: PoolEntry, scope: ConnectionScope): void {
    const { server, sharing } = entry;
    const key = quotaKeyOf(server, this.known.eraOf(server, clientEraOf(server, scope)), scope, sharing);
    if (key === undefined) return;
    const evict = () => this.evictLongestIdle((other) => other.quotaKey === key);
    entry.holdSlot(this.sessions.acquire(key, evict, (limit) => new TooManyUpstreamSessions(server.slug, limit)));
    entry.quotaKey = key;
  }

  /**
   * Retires the matching entry that has been idle for longest. One that open sessions may still use is retired only if
   * all others are in use and it was idle for `ISTHMUS_UPSTREAM_IDLE`; the entries of principals with several go first.
   */
  private evictLongestIdle(matches: (entry: PoolEntry) => boolean): void {
    const matching = this.table.entries.filter((entry) => matches(entry));
    const unused = matching.filter(({ isUnused }) => isUnused);
    const evicted =
      longestIdleOf(unused.filter(({ isIdle }) => isIdle)) ?? this.longestIdleOfSessions(unused, matching);
    if (!evicted) return;
    // For the sessions, it is as if the connection had closed: those that have no other one have lost their state.
    evicted.endsSessions = true;
    this.retire(evicted);
  }

  private longestIdleOfSessions(unused: readonly PoolEntry[], all: readonly PoolEntry[]): PoolEntry | undefined {
    const latest = this.clock.now() - this.config.upstreamIdleMs;
    const expired = unused.filter(({ idleSince }) => idleSince <= latest);
    const counts = new Map<string | undefined, number>();
    for (const { principal } of all) counts.set(principal, (counts.get(principal) ?? 0) + 1);
    return longestIdleOf(expired.filter(({ principal }) => (counts.get(principal) ?? 0) > 1)) ?? longestIdleOf(expired);
  }
}

function longestIdleOf(entries: readonly PoolEntry[]): PoolEntry | undefined {
  return entries.toSorted((one, other) => one.idleSince - other.idleSince)[0];
}
