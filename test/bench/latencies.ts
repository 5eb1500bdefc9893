/** Microseconds up to a tenth of a second one by one, everything slower in one last bucket. */
const BUCKETS = 100_000;

/** A histogram that costs one increment per value, however many values there are. */
export class Latencies {
  private readonly buckets = new Uint32Array(BUCKETS + 1);
  private count = 0;
  private slowestMs = 0;

  add(ms: number): void {
    const bucket = Math.min(Math.round(ms * 1_000), BUCKETS);
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
    this.count += 1;
    if (ms > this.slowestMs) this.slowestMs = ms;
  }

  /** The value below which that share (0 to 1) of all values lies, in milliseconds; NaN when there is none. */
  quantile(share: number): number {
    if (this.count === 0) return Number.NaN;
    const wanted = Math.ceil(share * this.count);
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += this.buckets[bucket] ?? 0;
      if (seen >= wanted) return bucket / 1_000;
    }
    return this.slowestMs;
  }
}
