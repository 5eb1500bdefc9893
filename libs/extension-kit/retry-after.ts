/** Statuses of a refusal that ends by itself (RFC 6585, 4; RFC 9110, 15.6.4). */
const TEMPORARY_STATUSES: ReadonlySet<number> = new Set([429, 503]);
/** Limits and outages end at any moment, so a client should retry soon, but not at once. */
const DEFAULT_SECONDS = 1;

/**
 * Returns the Retry-After header of an error in seconds (RFC 9110, 10.2.3): what its `data` says, and otherwise 1 for every
 * 429 and 503. Undefined for other errors, and where the call may have been executed: HTTP libraries repeat a request
 * that was answered with this header.
 */
export function retryAfterSeconds(httpStatus: number, data: unknown): number | undefined {
  const { retryAfterMs, outcome } = (data ?? {}) as { readonly retryAfterMs?: unknown; readonly outcome?: unknown };
  if (typeof retryAfterMs === 'number') return Math.ceil(retryAfterMs / 1000);
  const mayHaveRun = outcome === 'unknown' || outcome === 'executed';
  return TEMPORARY_STATUSES.has(httpStatus) && !mayHaveRun ? DEFAULT_SECONDS : undefined;
}
