import { formatDuration } from '#lib/config';
import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';
import type { Refusal } from './counters.js';

const CONCURRENCY_RETRY_MS = 1_000;
const SECOND_MS = 1_000;

/** 429: the caller, or all of them, have called too often, or too often at once. Nothing was run. */
export class LimitReached extends GatewayError {
  constructor(limit: string, refusal: Refusal, server: string) {
    const retryAfterMs = refusal === 'too-many-at-once' ? CONCURRENCY_RETRY_MS : refusal.afterMs;
    const inTime = formatDuration(Math.ceil(retryAfterMs / SECOND_MS) * SECOND_MS);
    const message =
      refusal === 'too-many-at-once'
        ? `The limit ${limit} admits no more calls at once. Try again when one has ended.`
        : `The limit ${limit} admits no more calls now. Try again in ${inTime}.`;
    const data = { outcome: 'not_executed', retriable: true, httpStatus: 429, retryAfterMs, server } as const;
    super(GatewayCode.overloaded, message, 429, data);
  }
}
