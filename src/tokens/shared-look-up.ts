import type { Clock } from '#lib/time';

/**
 * Runs a look-up on behalf of all callers that wait for it, at most once per interval. A call waits for a run that starts
 * after the call, so the run sees what was stored before. However many callers there are, the load stays the same.
 */
export class SharedLookUp {
  private next: Promise<void> | undefined;
  private startedAt = -Infinity;

  constructor(
    /** Must never reject. */
    private readonly lookUp: () => Promise<void>,
    private readonly intervalMs: number,
    private readonly clock: Clock,
  ) {}

  run(): Promise<void> {
    this.next ??= this.runInTurn();
    return this.next;
  }

  private async runInTurn(): Promise<void> {
    const waitMs = this.startedAt + this.intervalMs - this.clock.monotonicNow();
    await (waitMs > 0 ? this.clock.sleep(waitMs) : undefined);
    this.next = undefined;
    this.startedAt = this.clock.monotonicNow();
    await this.lookUp();
  }
}
