import type { Caller, Clock } from '#lib/extension-kit';

interface Entry {
  readonly caller: Caller;
  readonly until: number;
}

/**
 * Caches the callers of verified tokens, so that the hot path verifies no token twice. It has two generations: an entry
 * used since the last rotation survives the next one. That bounds the cache without bookkeeping per look-up.
 */
export class VerifiedCallerCache {
  private currentGeneration = new Map<string, Entry>();
  private previousGeneration = new Map<string, Entry>();

  constructor(
    private readonly clock: Clock,
    /** The cache holds at most twice as many entries. */
    private readonly generationSize = 4_096,
  ) {}

  find(authorization: string): Caller | undefined {
    let entry = this.currentGeneration.get(authorization);
    if (entry === undefined) {
      entry = this.previousGeneration.get(authorization);
      if (entry === undefined) return undefined;
      this.insert(authorization, entry);
    }
    return this.clock.now() < entry.until ? entry.caller : undefined;
  }

  /** `until`: milliseconds since the Unix epoch. */
  store(authorization: string, caller: Caller, until: number): void {
    if (until > this.clock.now()) this.insert(authorization, { caller, until });
  }

  clear(): void {
    this.currentGeneration = new Map();
    this.previousGeneration = new Map();
  }

  private insert(authorization: string, entry: Entry): void {
    if (this.currentGeneration.size >= this.generationSize) {
      this.previousGeneration = this.currentGeneration;
      this.currentGeneration = new Map();
    }
    this.currentGeneration.set(authorization, entry);
  }
}
