import type { Clock } from '#lib/time';

const SECOND_MS = 1_000;

/** Admits at most so many traces in any second, and all of them while there are fewer. */
export class TraceRate {
  /** At least one, unless no trace may begin: at a rate below one a second, the budget of one trace grows over several seconds. */
  private readonly maximum: number;
  /** Traces that may begin now; fractions become traces with time. */
  private budget: number;
  private filledAt: number;

  constructor(
    private readonly perSecond: number,
    private readonly clock: Clock,
  ) {
    this.maximum = perSecond === 0 ? 0 : Math.max(1, perSecond);
    this.budget = this.maximum;
    this.filledAt = clock.monotonicNow();
  }

  admitsTrace(): boolean {
    const now = this.clock.monotonicNow();
    const earned = ((now - this.filledAt) * this.perSecond) / SECOND_MS;
    this.budget = Math.min(this.maximum, this.budget + earned);
    this.filledAt = now;
    if (this.budget < 1) return false;
    this.budget -= 1;
    return true;
  }
}
