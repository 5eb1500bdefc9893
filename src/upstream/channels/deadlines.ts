import type { Clock } from '#lib/time';

/** An item with a deadline. The collection to which the item was added owns `expiresAt`. */
export interface Expiring {
  expiresAt: number;
  expire(): void;
}

/** Interval between sweeps, in milliseconds: an item expires at most this late. */
const SWEEP_INTERVAL_MS = 100;

/**
 * Deadlines of calls on one coarse timer: a timer per call would cost more than the rest of the deadline's bookkeeping.
 * Items with the same duration expire in the order in which they were added, so a sweep checks one item per duration.
 */
export class Deadlines {
  private readonly groups = new Map<number, Set<Expiring>>();
  private cancelTimer: (() => void) | undefined;

  constructor(private readonly clock: Clock) {}

  /** The current time in milliseconds, monotonic. */
  readonly now = (): number => this.clock.monotonicNow();

  add(item: Expiring, durationMs: number): void {
    item.expiresAt = this.clock.monotonicNow() + durationMs;
    let group = this.groups.get(durationMs);
    if (group === undefined) this.groups.set(durationMs, (group = new Set()));
    group.add(item);
    this.cancelTimer ??= this.clock.every(SWEEP_INTERVAL_MS, () => this.sweep());
  }

  remove(item: Expiring, durationMs: number): void {
    this.groups.get(durationMs)?.delete(item);
  }

  /** Removes every item without expiring it. */
  clear(): void {
    this.groups.clear();
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private sweep(): void {
    const now = this.clock.monotonicNow();
    for (const [durationMs, group] of this.groups) {
      for (const item of group) {
        if (item.expiresAt > now) break;
        group.delete(item);
        item.expire();
      }
      if (group.size === 0) this.groups.delete(durationMs);
    }
    if (this.groups.size === 0) this.clear();
  }
}
