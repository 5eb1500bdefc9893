import type { Session } from '../session-pool/index.js';
import type { CallIdentity, UpstreamConnection } from '../upstream/index.js';
import { ownsSession } from './ended-sessions.js';
import type { PoolEntry } from './pool-entry.js';
import { isOwnedBy, type Sharing } from './sharing.js';

/** Open connections, with leases on those of other workers, and how many of them are sessions that this worker owns. */
export interface ConnectionCounts {
  readonly connections: number;
  readonly sessions: number;
}

/**
 * The reusable connections by the clients that may share them. The clients of a connection that serves all have a second
 * one while a question, which its client has not answered yet, blocks the first.
 */
export class ConnectionTable {
  private readonly groups = new Map<string, PoolEntry[]>();

  /** Returns a snapshot of all entries. */
  get entries(): PoolEntry[] {
    return [...this.groups.values()].flat();
  }

  get counts(): ConnectionCounts {
    const open = this.entries.filter(({ connection }) => connection);
    return { connections: open.length, sessions: open.filter(ownsSession).length };
  }

  has({ key }: Sharing): boolean {
    return this.groups.has(key);
  }

  /**
   * Returns the connection that a client uses: the one that its own question blocks, so that no principal blocks more
   * than one, or else one that nobody blocks. Undefined if there is none.
   */
  find({ key, sharedBy }: Sharing, identity: CallIdentity | undefined): PoolEntry | undefined {
    const group = this.groups.get(key);
    if (group === undefined || sharedBy !== 'all') return group?.[0];
    let free: PoolEntry | undefined;
    for (const entry of group) {
      const blocking = entry.connection?.blockingCall?.();
      if (blocking === undefined) free ??= entry;
      else if (identity !== undefined && blocking.asker?.principal === identity.principal) return entry;
    }
    return free;
  }

  /** Returns the connections of these clients, the first one first. */
  group({ key }: Sharing): readonly PoolEntry[] {
    return this.groups.get(key) ?? [];
  }

  /** Returns the connections that serve this session alone. */
  ownedBy(session: Session): PoolEntry[] {
    return this.entries.filter(({ server, sharing }) => isOwnedBy(sharing, server.slug, session));
  }

  /** True if a session's client reaches the server over this connection between its calls. */
  belongsToSessions(entry: PoolEntry, { profile }: UpstreamConnection): boolean {
    if (entry.sharing === undefined) return false;
    if (profile.era === 'modern') return entry.sharing.sharedBy === 'session';
    return entry.sharing.sharedBy !== 'all' || this.group(entry.sharing)[0] === entry;
  }

  add({ key }: Sharing, entry: PoolEntry): void {
    const group = this.groups.get(key);
    if (group) group.push(entry);
    else this.groups.set(key, [entry]);
  }

  remove({ key }: Sharing, entry: PoolEntry): void {
    const others = this.groups.get(key)?.filter((other) => other !== entry);
    if (others === undefined) return;
    if (others.length > 0) this.groups.set(key, others);
    else this.groups.delete(key);
  }
}
