/**
 * Refreshes a cache of shared state. Every call of `refresh` waits for a load that started after the call, because a load
 * already in progress may have missed the latest changes. Concurrent calls share one load.
 */
export class LatestLook {
  private looking: Promise<void> | undefined;

  /** `load` must never reject. */
  constructor(private readonly look: () => Promise<void>) {}

  async refresh(): Promise<void> {
    await this.looking;
    this.looking ??= this.look().finally(() => {
      this.looking = undefined;
    });
    await this.looking;
  }

  /** Resolves when no load is in progress. */
  async settled(): Promise<void> {
    await this.looking;
  }
}
