import type { JsonObject, Outcome } from '#lib/mcp-protocol';

/** A page of a list or an error, with its cache hints. */
export interface ListAnswer {
  readonly outcome: Outcome;
  /** Remaining cache lifetime in milliseconds. */
  readonly freshMs: number;
  /** True when the page may be shared between authorization contexts. */
  readonly isPublic: boolean;
  /** True for the first caller that receives a page from the server; false for cached and shared pages. */
  readonly isNew: boolean;
}

/** Maximum cache lifetime, whatever a server declares. */
export const MAX_FRESH_MS = 3_600_000;

/** The cache hints of a server's result (specification 2026: server/utilities/caching). */
export function toCacheHints({ ttlMs, cacheScope }: JsonObject): Pick<ListAnswer, 'freshMs' | 'isPublic'> {
  const isValid = Number.isInteger(ttlMs) && (ttlMs as number) > 0;
  return { freshMs: isValid ? Math.min(ttlMs as number, MAX_FRESH_MS) : 0, isPublic: cacheScope === 'public' };
}

/** An answer that must not be cached or shared. */
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
