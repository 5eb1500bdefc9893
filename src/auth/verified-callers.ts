import type { Caller, Clock } from '#lib/extension-kit';

interface Entry {
  readonly caller: Caller;
  readonly until: number;
}

/**
 * Caches the callers of verified tokens, so that the hot path verifies no token twice. It has two generations: an entry
 * used since the last rotation survives the next one. That bounds the cache without bookkeeping per look-up.
 */
export class VerifiedCallers {
  private young = new Map<string, Entry>();
  private old = new Map<string, Entry>();

  constructor(
    private readonly clock: Clock,
    /** The cache holds at most twice as many entries. */
    private readonly generationSize = 4_096,
  ) {}

  find(authorization: string): Caller | undefined {
    let entry = this.young.get(authorization);
    if (entry === undefined) {
      entry = this.old.get(authorization);
      if (entry === undefined) return undefined;
      this.keep(authorization, entry);
    }
    return this.clock.now() < entry.until ? entry.caller : undefined;
  }

  /** `until`: milliseconds since the Unix epoch. */
  remember(authorization: string, caller: Caller, until: number): void {
    if (until > this.clock.now()) this.keep(authorization, { caller, until });
  }

  forgetAll(): void {
    this.young = new Map();
    this.old = new Map();
  }

  private keep(authorization: string, entry: Entry): void {
    if (this.young.size >= this.generationSize) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(authorization, entry);
  }
}
