import type { Timer } from '../ports/index.js';
import { SEEN_RETENTION_MS } from '../protocol.js';

/** Remembers requests for longer than anybody could claim them, so that a copy of a frame is never taken for another. */
export class SeenRequests {
  /** When each may be forgotten; the oldest first. */
  private readonly expiries = new Map<string, number>();
  private isSweepDue = false;

  constructor(private readonly timer: Timer) {}

  /** How many are remembered. */
  get size(): number {
    return this.expiries.size;
  }

  /** False for one that was there before. */
  add(key: string): boolean {
    if (this.expiries.has(key)) return false;
    this.expiries.set(key, this.timer.now() + SEEN_RETENTION_MS);
    this.sweepLater();
    return true;
  }

  private sweepLater(): void {
    const [oldest] = this.expiries.values();
    if (oldest === undefined || this.isSweepDue) return;
    this.isSweepDue = true;
    // A second later, so that under load one sweep takes many.
    this.timer.after(oldest - this.timer.now() + 1_000, () => {
      this.isSweepDue = false;
      this.sweep();
      this.sweepLater();
    });
  }

  private sweep(): void {
    const now = this.timer.now();
    for (const [key, until] of this.expiries) {
      if (until > now) return;
      this.expiries.delete(key);
    }
  }
}
