/** What one counter of a limit admits. */
export interface Allowance {
  readonly rate?: { readonly calls: number; readonly withinMs: number };
  readonly concurrency?: number;
}

/** Why no call is admitted now: the rate, and when one will be (ms); or what runs already. */
export type Refusal = { readonly afterMs: number } | 'too-many-at-once';

/** Counts calls. */
export abstract class Counters {
  /**
   * Admits one more call under a counter, or says why not. Where there is a number at once the call holds its `lease`
   * until that is given back.
   */
  abstract admit(counter: string, allowance: Allowance, lease: string): Promise<Refusal | undefined>;
  abstract release(counter: string, lease: string): Promise<void>;
}
