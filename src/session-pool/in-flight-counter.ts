/** Counts answers that are still to come, and says when none is. */
export class InFlightCounter {
  private count = 0;
  private idleWaiters: (() => void)[] = [];

  get size(): number {
    return this.count;
  }

  /** One more. Returns how to say that it was given; to say so again changes nothing. */
  add(): () => void {
    this.count += 1;
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      this.count -= 1;
      if (this.count > 0) return;
      for (const wake of this.idleWaiters.splice(0)) wake();
    };
  }

  whenIdle(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => this.idleWaiters.push(resolve));
  }
}
