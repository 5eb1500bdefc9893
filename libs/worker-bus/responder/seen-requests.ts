import type { Clock } from '#lib/time';
import { SEEN_RETENTION_MS } from '../protocol.js';

/**
 * Remembers request ids for longer than the requests can be claimed, so that a repeated frame never starts one again.
 */
export class SeenRequests {
  /** Expiry of each id, oldest first. */
  private readonly expiries = new Map<string, number>();
  private isSweepDue = false;

  constructor(private readonly timer: Clock) {}

  /** Number of remembered ids. */
  get size(): number {
    return this.expiries.size;
  }

  /** Returns false if the id was added before. */
  add(key: string): boolean {
    if (this.expiries.has(key)) return false;
    this.expiries.set(key, this.timer.monotonicNow() + SEEN_RETENTION_MS);
    this.sweepLater();
    return true;
  }

  private sweepLater(): void {
    const [oldest] = this.expiries.values();
    if (oldest === undefined || this.isSweepDue) return;
    this.isSweepDue = true;
    // One second late, so that under load one sweep removes many ids.
    this.timer.after(oldest - this.timer.monotonicNow() + 1_000, () => {
      this.isSweepDue = false;
      this.sweep();
      this.sweepLater();
    });
  }

  private sweep(): void {
    const now = this.timer.monotonicNow();
    for (const [key, until] of this.expiries) {
      if (until > now) return;
      this.expiries.delete(key);
    }
  }
}
