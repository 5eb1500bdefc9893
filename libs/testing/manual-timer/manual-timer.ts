import { Timer } from '#lib/worker-bus';

interface Waiting {
  readonly due: number;
  readonly run: () => void;
}

/** Time that stands still until a test moves it. */
export class ManualTimer extends Timer {
  private time = 0;
  /** In the order in which they were asked for: of two that are due at one moment the older runs first. */
  private readonly waiting = new Set<Waiting>();

  override now(): number {
    return this.time;
  }

  override after(ms: number, run: () => void): () => void {
    const entry = { due: this.time + Math.max(0, ms), run };
    this.waiting.add(entry);
    return () => this.waiting.delete(entry);
  }

  /** How many wait for their time. */
  get pending(): number {
    return this.waiting.size;
  }

  /** Lets so many ms pass. What falls due runs in its order, and all that follows from it without waiting, too. */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settled();
    for (let next = this.nextUntil(end); next !== undefined; next = this.nextUntil(end)) {
      this.waiting.delete(next);
      this.time = Math.max(this.time, next.due);
      next.run();
      await settled();
    }
    this.time = end;
  }

  private nextUntil(end: number): Waiting | undefined {
    let next: Waiting | undefined;
    for (const entry of this.waiting) {
      if (entry.due <= end && (next === undefined || entry.due < next.due)) next = entry;
    }
    return next;
  }
}

/** Resolves when no promise can make progress by itself any more. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
