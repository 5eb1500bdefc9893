import { Timer } from '#lib/worker-bus';

interface Waiting {
  readonly due: number;
  readonly run: () => void;
}

/** A timer whose time advances only when a test advances it. */
export class ManualTimer extends Timer {
  private time = 0;
  /** In the order of registration: of two entries due at the same time the older one runs first. */
  private readonly waiting = new Set<Waiting>();

  override now(): number {
    return this.time;
  }

  override after(ms: number, run: () => void): () => void {
    const entry = { due: this.time + Math.max(0, ms), run };
    this.waiting.add(entry);
    return () => this.waiting.delete(entry);
  }

  /** Number of entries that are not due yet. */
  get pending(): number {
    return this.waiting.size;
  }

  /** Advances the time. Due entries run in order, each followed by all promises that it settles. */
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

/** Resolves when the microtask queue is empty. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
