/** Counts answers that are still to come, and says when none is. */
export class OwedAnswers {
  private count = 0;
  private waiting: (() => void)[] = [];

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
      for (const wake of this.waiting.splice(0)) wake();
    };
  }

  whenNone(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }
}
