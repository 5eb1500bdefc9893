import type { CallIdentity } from '../upstream/index.js';
import type { PoolEntry } from './pool-entry.js';
import type { Sharing } from './sharing.js';

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
