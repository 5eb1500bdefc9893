/** Counts operations in flight and resolves waiters once there are none. */
export class InFlightCounter {
  private count = 0;
  private idleWaiters: (() => void)[] = [];

  get size(): number {
    return this.count;
  }

  /** Adds one operation. Returns an idempotent function that marks it as finished. */
  add(): () => void {
    this.count += 1;
    let isFinished = false;
    return () => {
      if (isFinished) return;
      isFinished = true;
      this.count -= 1;
      if (this.count > 0) return;
      for (const resolve of this.idleWaiters.splice(0)) resolve();
    };
  }

  whenIdle(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => this.idleWaiters.push(resolve));
  }
}
