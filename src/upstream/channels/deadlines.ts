/** Something that has to be over by a moment. `expiresAt` belongs to the collection it was added to. */
export interface Expiring {
  expiresAt: number;
  expire(): void;
}

/** How late an expiry may be noticed, in milliseconds. */
const SWEEP_INTERVAL_MS = 100;

/**
 * Deadlines of calls, on one coarse timer for all of them: a timer per call costs more than the rest of a deadline.
 * Items with the same duration expire in the order they were added, so a sweep looks at one item per duration.
 */
export class Deadlines {
  private readonly groups = new Map<number, Set<Expiring>>();
  private timer: NodeJS.Timeout | undefined;

  add(item: Expiring, durationMs: number): void {
    item.expiresAt = performance.now() + durationMs;
    let group = this.groups.get(durationMs);
    if (group === undefined) this.groups.set(durationMs, (group = new Set()));
    group.add(item);
    this.timer ??= setInterval(() => this.sweep(), SWEEP_INTERVAL_MS).unref();
  }

  remove(item: Expiring, durationMs: number): void {
    this.groups.get(durationMs)?.delete(item);
  }

  /** Forgets every deadline without calling anybody. */
  clear(): void {
    this.groups.clear();
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private sweep(): void {
    const now = performance.now();
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
