import { formatDuration } from '#lib/config';
import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';
import type { Refusal } from './counters.js';

const CONCURRENCY_RETRY_MS = 1_000;
const SECOND_MS = 1_000;

/** 429: a rate or concurrency limit is reached. The call was not executed. */
export class LimitReached extends GatewayError {
  constructor(limit: string, refusal: Refusal, server: string) {
    const retryAfterMs = refusal === 'too-many-at-once' ? CONCURRENCY_RETRY_MS : refusal.afterMs;
    const delay = formatDuration(Math.ceil(retryAfterMs / SECOND_MS) * SECOND_MS);
    const message =
      refusal === 'too-many-at-once'
        ? `Concurrency limit ${limit} is reached; the call was not executed. Retry when another call has ended.`
        : `Rate limit ${limit} is reached; the call was not executed. Retry in ${delay}.`;
    const data = { outcome: 'not_executed', retriable: true, httpStatus: 429, retryAfterMs, server } as const;
    super(GatewayCode.overloaded, message, 429, data);
  }
}
