import type { Clock } from '#lib/time';
import { SEEN_MS } from '../protocol.js';

/** Remembers requests for longer than anybody could claim them, so that a copy of a frame is never taken for another. */
export class SeenRequests {
  /** When each may be forgotten; the oldest first. */
  private readonly until = new Map<string, number>();
  private isSweepDue = false;

  constructor(private readonly timer: Clock) {}

  /** How many are remembered. */
  get size(): number {
    return this.until.size;
  }

  /** False for one that was there before. */
  add(key: string): boolean {
    if (this.until.has(key)) return false;
    this.until.set(key, this.timer.monotonicNow() + SEEN_MS);
    this.sweepLater();
    return true;
  }

  private sweepLater(): void {
    const [oldest] = this.until.values();
    if (oldest === undefined || this.isSweepDue) return;
    this.isSweepDue = true;
    // A second later, so that under load one sweep takes many.
    this.timer.after(oldest - this.timer.monotonicNow() + 1_000, () => {
      this.isSweepDue = false;
      this.sweep();
      this.sweepLater();
    });
  }

  private sweep(): void {
    const now = this.timer.monotonicNow();
    for (const [key, until] of this.until) {
      if (until > now) return;
      this.until.delete(key);
    }
  }
}
