/** Delays in milliseconds that double with each consecutive failure. */
export class Backoff {
  private failures = 0;

  constructor(
    private readonly minMs: number = 200,
    private readonly maxMs: number = 30_000,
  ) {}

  next(): number {
    return Math.min(this.maxMs, this.minMs * 2 ** Math.min(this.failures++, 20));
  }

  reset(): void {
    this.failures = 0;
  }
}
