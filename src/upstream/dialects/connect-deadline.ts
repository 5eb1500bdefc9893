import type { Clock } from '#lib/time';

/** The time until which a connection must be open. The steps of one attempt share it, so their timeouts do not add up. */
export class ConnectDeadline {
  private readonly at: number;

  constructor(
    private readonly clock: Clock,
    budgetMs: number,
  ) {
    this.at = clock.monotonicNow() + budgetMs;
  }

  /** Milliseconds that are left. At least one, so that a step that starts too late fails by its own timeout. */
  leftMs(): number {
    return Math.max(1, Math.round(this.at - this.clock.monotonicNow()));
  }
}
