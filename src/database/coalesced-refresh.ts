/**
 * Refreshes a cache of shared state. Every call of `refresh` waits for a load that started after the call, because a load
 * already in progress may have missed the latest changes. Concurrent calls share one load.
 */
export class CoalescedRefresh {
  private running: Promise<void> | undefined;

  /** `load` must never reject. */
  constructor(private readonly load: () => Promise<void>) {}

  async refresh(): Promise<void> {
    await this.running;
    this.running ??= this.load().finally(() => {
      this.running = undefined;
    });
    await this.running;
  }

  /** Resolves when no load is in progress. */
  async whenIdle(): Promise<void> {
    await this.running;
  }
}
