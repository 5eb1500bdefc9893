import type { Caller, Clock } from '#lib/extension-kit';

interface Entry {
  readonly caller: Caller;
  /** Until when the caller may be used, and until when the token is valid, in milliseconds since the Unix epoch. */
  readonly until: number;
  readonly expiresAt: number;
  /** Value of `epoch` when it was stored. */
  readonly epoch: number;
}

/**
 * Caches the callers of verified tokens, so that the hot path verifies no token twice. It has two generations: an entry
 * used since the last rotation survives the next one. That bounds the cache without bookkeeping per look-up.
 */
export class VerifiedCallerCache {
  private currentGeneration = new Map<string, Entry>();
  private previousGeneration = new Map<string, Entry>();

  /** Increases when all cached callers become stale. */
  private epoch = 0;

  constructor(
    private readonly clock: Clock,
    /** The cache holds at most twice as many entries. */
    private readonly generationSize = 4_096,
  ) {}

  find(key: string): Caller | undefined {
    const entry = this.findEntry(key);
    return entry && entry.epoch === this.epoch && this.clock.now() < entry.until ? entry.caller : undefined;
  }

  /** True for a token that was verified and has not expired, although its caller may have to be determined again. */
  wasVerified(key: string): boolean {
    const entry = this.findEntry(key);
    return entry !== undefined && this.clock.now() < entry.expiresAt;
  }

  /**
   * `until` and `expiresAt`: milliseconds since the Unix epoch. A caller that may not be used again is stored nevertheless,
   * because its token was verified.
   */
  store(key: string, caller: Caller, { until, expiresAt }: Pick<Entry, 'until' | 'expiresAt'>): void {
    if (expiresAt > this.clock.now()) this.insert(key, { caller, until, expiresAt, epoch: this.epoch });
  }

  /** Makes all cached callers stale. Their tokens count as verified nevertheless. */
  invalidate(): void {
    this.epoch += 1;
  }

  private findEntry(key: string): Entry | undefined {
    const current = this.currentGeneration.get(key);
    if (current !== undefined) return current;
    const previous = this.previousGeneration.get(key);
    if (previous !== undefined) this.insert(key, previous);
    return previous;
  }

  private insert(key: string, entry: Entry): void {
    if (this.currentGeneration.size >= this.generationSize) {
      this.previousGeneration = this.currentGeneration;
      this.currentGeneration = new Map();
    }
    this.currentGeneration.set(key, entry);
  }
}
