import type { JsonObject, Outcome } from '#lib/mcp-protocol';

/** A page of a list, or why there is none, and what may be made of it. */
export interface ListAnswer {
  readonly outcome: Outcome;
  /** For how long it may be taken for the truth, in ms. */
  readonly freshMs: number;
  /** It says nothing that only this caller may know. */
  readonly isPublic: boolean;
  /** It came from the server just now, and nobody has been given it before. */
  readonly isNew: boolean;
}

/** Nobody should rely on anything for longer, whatever a server says. */
export const MAX_FRESH_MS = 3_600_000;

/** What may be made of a result, by the hints of its server (specification 2026: server/utilities/caching). */
export function toCacheHints({ ttlMs, cacheScope }: JsonObject): Pick<ListAnswer, 'freshMs' | 'isPublic'> {
  const isValid = Number.isInteger(ttlMs) && (ttlMs as number) > 0;
  return { freshMs: isValid ? Math.min(ttlMs as number, MAX_FRESH_MS) : 0, isPublic: cacheScope === 'public' };
}

/** An answer of which nothing may be made. */
export const toUncacheableAnswer = (outcome: Outcome): ListAnswer => ({
  outcome,
  freshMs: 0,
  isPublic: false,
  isNew: true,
});

export function isComplete(outcome: Outcome): outcome is Extract<Outcome, { kind: 'result' }> {
  if (outcome.kind === 'error') return false;
  const { resultType } = outcome.result;
  return resultType === undefined || resultType === 'complete';
}
