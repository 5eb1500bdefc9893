/** One bucket for each microsecond up to 100 ms, and one for all slower values. */
const BUCKETS = 100_000;

/** A histogram with constant memory and one increment for each value. */
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

  /** The quantile for a share (0 to 1) of all values, in milliseconds; NaN without values. */
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
