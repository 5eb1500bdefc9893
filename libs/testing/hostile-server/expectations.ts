import type { ExpectedError, ExpectedResult } from './behaviour.js';

/**
 * Statuses that mean that the server did not execute the call (docs/errors.md). 503 only with Retry-After.
 * Written out instead of imported: this table verifies the mapper and must not share code with it.
 */
const REFUSALS = new Set([401, 403, 404, 405, 406, 413, 414, 415, 429, 431]);

export const upstreamFailed = (status: number, detail?: string | RegExp, retryAfterMs?: number): ExpectedError => {
  const refused = REFUSALS.has(status) || (status === 503 && retryAfterMs !== undefined);
  const prefix = `Upstream answered HTTP ${status}: `;
  const message =
    typeof detail === 'string' ? prefix + detail : (detail ?? new RegExp(`^Upstream answered HTTP ${status}`));
  const data = { httpStatus: status, outcome: refused ? 'not_executed' : 'unknown' };
  return { kind: 'error', code: -31004, message, data: retryAfterMs === undefined ? data : { ...data, retryAfterMs } };
};

/** The server's own error, unchanged. */
export const serverError = (error: {
  code: number;
  message: string;
  data: Record<string, string | number>;
}): ExpectedError => ({
  kind: 'error',
  ...error,
});

export const brokeProtocol: ExpectedError = { kind: 'error', code: -31005, data: { outcome: 'unknown' } };

export const outcomeUnknown: ExpectedError = { kind: 'error', code: -31002, data: { outcome: 'unknown' } };

/** A server that no longer knows the session did not execute the call, which is sent once more in a new session. */
export const sessionLost: ExpectedError = {
  kind: 'error',
  code: -31004,
  data: { outcome: 'not_executed', retriable: true },
  arrivals: 2,
};

export const succeeds = (text: string): ExpectedResult => ({ kind: 'result', text });
