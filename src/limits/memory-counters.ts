import type { Clock } from '#lib/time';
import { Counters, type Allowance, type Refusal } from './counters.js';

/** Maximum number of counters. Empty ones are evicted first. */
const MAX_COUNTERS = 50_000;

/** Counts the calls of this worker only. */
export class MemoryCounters extends Counters {
  /** When the bucket of each rate is empty, in milliseconds (generic cell rate algorithm). */
  private readonly emptyAt = new Map<string, number>();
  private readonly leases = new Map<string, Set<string>>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override async admit(counter: string, { rate, concurrency }: Allowance, lease: string): Promise<Refusal | undefined> {
    const running = this.leases.get(counter);
    if (concurrency !== undefined && running && running.size >= concurrency) return 'too-many-at-once';
    if (rate) {
      const now = this.clock.monotonicNow();
      const empty = Math.max(this.emptyAt.get(counter) ?? 0, now) + rate.withinMs / rate.calls;
      const surplus = empty - now - rate.withinMs;
      // Tolerates rounding errors in sums of fractions.
      if (surplus > 0.001) return { afterMs: Math.ceil(surplus) };
      this.evict(now);
      this.emptyAt.set(counter, empty);
    }
    if (concurrency !== undefined) this.leases.set(counter, (running ?? new Set()).add(lease));
    return undefined;
  }

  override async release(counter: string, lease: string): Promise<void> {
    const running = this.leases.get(counter);
    running?.delete(lease);
    if (running?.size === 0) this.leases.delete(counter);
  }

  private evict(now: number): void {
    if (this.emptyAt.size < MAX_COUNTERS) return;
    for (const [counter, empty] of this.emptyAt) if (empty <= now) this.emptyAt.delete(counter);
    for (const counter of this.emptyAt.keys()) {
      if (this.emptyAt.size < MAX_COUNTERS) return;
      this.emptyAt.delete(counter);
    }
  }
}
