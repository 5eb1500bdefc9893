import type { Definition } from '../items/index.js';
import type { Judgement } from './judgement.js';

/** Maximum number of judgements that outlive the list of their definition: as many as one list can contain. */
const MAX_KEPT = 50_000;

/** How long a judgement counts in which a check failed, in milliseconds. The check may work again soon. */
const FAILED_FOR_MS = 30_000;

interface Kept {
  readonly judgement: Judgement;
  /** Absent: until the guardrails change. */
  readonly expiresAt?: number;
}

/** Judgements of definitions. Those of a list that is in use are never forgotten, whatever other lists contain. */
export class KeptJudgements {
  private readonly byKey = new Map<string, Kept>();
  private readonly byDefinition = new WeakMap<Definition, Map<string, Kept>>();

  get isEmpty(): boolean {
    return this.byKey.size === 0;
  }

  /** Returns the last judgement, even one that has expired. */
  find(definition: Definition, key: string): Judgement | undefined {
    return this.read(definition, key)?.judgement;
  }

  /** Returns a judgement that still counts at the time `now`. */
  findCurrent(definition: Definition, key: string, now: number): Judgement | undefined {
    const kept = this.read(definition, key);
    return kept && (kept.expiresAt ?? Infinity) > now ? kept.judgement : undefined;
  }

  keep(definition: Definition, key: string, judgement: Judgement, now: number): void {
    const hasFailed = judgement.decisions.some(({ decision }) => decision === 'failed');
    const kept = { judgement, ...(hasFailed && { expiresAt: now + FAILED_FOR_MS }) };
    this.byKey.delete(key);
    for (const [oldest] of this.byKey) {
      if (this.byKey.size < MAX_KEPT) break;
      this.byKey.delete(oldest);
    }
    this.byKey.set(key, kept);
    this.attach(definition, key, kept);
  }

  /** The newest judgement by key counts: another list may contain the same definition. */
  private read(definition: Definition, key: string): Kept | undefined {
    const kept = this.byKey.get(key);
    if (!kept) return this.byDefinition.get(definition)?.get(key);
    this.attach(definition, key, kept);
    return kept;
  }

  private attach(definition: Definition, key: string, kept: Kept): void {
    const attached = this.byDefinition.get(definition);
    if (attached) attached.set(key, kept);
    else this.byDefinition.set(definition, new Map([[key, kept]]));
  }
}
