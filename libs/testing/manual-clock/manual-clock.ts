import { Clock } from '#lib/time';

interface Timer {
  readonly dueAt: number;
  readonly run: () => void;
}

/** A clock that stands still until a test advances it. */
export class ManualClock extends Clock {
  private elapsed = 0;
  /** In the order of their creation: of two timers that are due at the same moment, the older runs first. */
  private readonly timers = new Set<Timer>();

  constructor(private readonly startedAt = Date.UTC(2026, 0, 1)) {
    super();
  }

  override now(): number {
    return this.startedAt + this.elapsed;
  }

  override monotonicNow(): number {
    return this.elapsed;
  }

  override after(ms: number, run: () => void): () => void {
    const timer = { dueAt: this.elapsed + Math.max(0, ms), run };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Number of timers that have not run. */
  get pending(): number {
    return this.timers.size;
  }

  /** Advances the time. Runs the timers that become due in their order, each with all that follows without waiting. */
  async advance(ms: number): Promise<void> {
    const end = this.elapsed + ms;
    await settled();
    for (let next = this.nextUntil(end); next !== undefined; next = this.nextUntil(end)) {
      this.timers.delete(next);
      this.elapsed = Math.max(this.elapsed, next.dueAt);
      next.run();
      await settled();
    }
    this.elapsed = Math.max(this.elapsed, end);
  }

  /** Lets the time pass as while the process is too busy to run timers: those that become due run later. */
  stall(ms: number): void {
    this.elapsed += ms;
  }

  private nextUntil(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.timers) {
      if (timer.dueAt <= end && (next === undefined || timer.dueAt < next.dueAt)) next = timer;
    }
    return next;
  }
}

/** Resolves when no promise can make progress on its own. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
