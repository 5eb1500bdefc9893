/** The rate and concurrency that one counter admits. */
export interface Allowance {
  readonly rate?: { readonly calls: number; readonly withinMs: number };
  readonly concurrency?: number;
}

/** Why a call is refused: the rate, with the milliseconds until the next call is admitted, or the concurrency. */
export type Refusal = { readonly afterMs: number } | 'too-many-at-once';

/** Counts calls by rate and concurrency. */
export abstract class Counters {
  /**
   * Admits one call under a counter or returns why it is refused. With a concurrency the call holds `lease` until it is
   * released.
   */
  abstract admit(counter: string, allowance: Allowance, lease: string): Promise<Refusal | undefined>;
  abstract release(counter: string, lease: string): Promise<void>;
}
