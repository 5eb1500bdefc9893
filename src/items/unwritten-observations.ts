import type { ItemKind } from './item-record.js';
import type { Observation } from './item-table.js';

interface ItemName {
  readonly identity: string;
  readonly kind: ItemKind;
  readonly name: string;
}

/**
 * Observations of this worker that the items in memory may not contain yet: those that are not written, and those that are written and
 * not read back (invariant 11).
 */
export class UnwrittenObservations {
  private readonly pending = new Map<string, Observation>();
  /** Written observations that the last read of the table may not contain. */
  private readonly awaitingReadBack = new Map<string, Observation>();

  /** Adds an observation that takes the place of an earlier one of the same item. */
  add(observation: Omit<Observation, 'first'>): void {
    const key = toKey(observation);
    const first = this.pending.get(key)?.first ?? observation.seen;
    this.pending.set(key, { ...observation, first });
  }

  find(item: ItemName): Observation | undefined {
    // Calls ask, mostly when there is nothing: the key would cost more than all else.
    if (this.pending.size === 0 && this.awaitingReadBack.size === 0) return undefined;
    const key = toKey(item);
    return this.pending.get(key) ?? this.awaitingReadBack.get(key);
  }

  /** Those that are not written, the oldest first. */
  listPending(): readonly Observation[] {
    return [...this.pending.values()];
  }

  /** Those whose write was acknowledged. */
  listWritten(): readonly Observation[] {
    return [...this.awaitingReadBack.values()];
  }

  /** A newer observation may have replaced one during the write. */
  markWritten(written: readonly Observation[]): void {
    for (const observation of written) {
      const key = toKey(observation);
      if (this.pending.get(key) !== observation) continue;
      this.pending.delete(key);
      this.awaitingReadBack.set(key, observation);
    }
  }

  /** Forgets written observations that a read which began after their writes contains. */
  markReadBack(read: readonly Observation[]): void {
    for (const observation of read) {
      const key = toKey(observation);
      if (this.awaitingReadBack.get(key) === observation) this.awaitingReadBack.delete(key);
    }
  }
}

const toKey = ({ identity, kind, name }: ItemName): string => JSON.stringify([identity, kind, name]);
