import type { Era } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { TooManyProcesses, TooManyUpstreamSessions } from './connections.errors.js';
import type { ConnectionsConfig } from './connections.config.js';
import type { ConnectionTable } from './connection-table.js';
import type { PoolEntry } from './pool-entry.js';
import { quotaKeyOf, type ConnectionScope } from './sharing.js';
import { SlotPool } from './slot-pool.js';

/** Limits the child processes of each server, and the upstream sessions and processes of each principal there. */
export class ConnectionSlots {
  private readonly processes: SlotPool;
  private readonly sessions: SlotPool;

  constructor(
    config: ConnectionsConfig,
    private readonly table: ConnectionTable,
    private readonly eras: Pick<WeakMap<ServerDefinition, Era>, 'get'>,
    private readonly retire: (entry: PoolEntry) => void,
  ) {
    this.processes = new SlotPool(config.maxChildProcesses);
    this.sessions = new SlotPool(config.maxUpstreamSessionsPerPrincipal);
  }

  /** @throws TooManyProcesses if the limit is reached and every process is in use */
  acquireProcess(entry: PoolEntry): void {
    const { slug } = entry.server;
    const evict = () =>
      this.evictLongestIdle(({ server, remoteWorker: worker }) => server.slug === slug && worker === undefined);
    entry.holdSlot(this.processes.acquire(slug, evict, (limit) => new TooManyProcesses(slug, limit)));
  }

  /** @throws TooManyUpstreamSessions if the principal's limit is reached and every session is in use */
  acquireSession(entry: PoolEntry, scope: ConnectionScope): void {
    const { server, sharing } = entry;
    const key = quotaKeyOf(server, this.eras.get(server), scope, sharing);
    if (key === undefined) return;
    const evict = () => this.evictLongestIdle((other) => other.quotaKey === key);
    entry.holdSlot(this.sessions.acquire(key, evict, (limit) => new TooManyUpstreamSessions(server.slug, limit)));
    entry.quotaKey = key;
  }

  /** Retires the matching entry that has been idle for longest. */
  private evictLongestIdle(matches: (entry: PoolEntry) => boolean): void {
    const idle = this.table.entries.filter((entry) => entry.isIdle && matches(entry));
    const [longest] = idle.toSorted((one, other) => one.idleSince - other.idleSince);
    if (longest) this.retire(longest);
  }
}
