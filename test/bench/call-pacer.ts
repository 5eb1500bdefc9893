/** Starts calls at a fixed rate, independent of how long each call takes. */
export class CallPacer {
  private readonly waiting: ((dueAtMs: number) => void)[] = [];
  private readonly due: number[] = [];
  private readonly beganAtMs = performance.now();
  private count = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly perSecond: number) {
    this.wait();
  }

  /** Calls back with the time at which the call was due, which is in the past when all callers were busy. */
  schedule(go: (dueAtMs: number) => void): void {
    const dueAtMs = this.due.shift();
    if (dueAtMs === undefined) this.waiting.push(go);
    else go(dueAtMs);
  }

  /** Releases all waiting callers. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const go of this.waiting.splice(0)) go(performance.now());
  }

  private wait(): void {
    const nextAtMs = this.beganAtMs + (this.count * 1_000) / this.perSecond;
    this.timer = setTimeout(() => this.release(), Math.max(0, nextAtMs - performance.now()));
  }

  private release(): void {
    const now = performance.now();
    for (; this.beganAtMs + (this.count * 1_000) / this.perSecond <= now; this.count += 1) {
      const go = this.waiting.shift();
      if (go === undefined) this.due.push(now);
      else go(now);
    }
    if (this.timer !== undefined) this.wait();
  }
}
