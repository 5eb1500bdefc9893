import { GatewayError } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';

const RETRY_AFTER_MS = 5_000;

/** 503: the call must be an audit record, and no place is left for it. The call was not executed. */
export class AuditUnavailable extends GatewayError {
  constructor(server: string) {
    const message = 'The audit log cannot be written; the call was not executed. Retry later.';
    const data = {
      outcome: 'not_executed',
      retriable: true,
      httpStatus: 503,
      retryAfterMs: RETRY_AFTER_MS,
      server,
    } as const;
    super(GatewayCode.auditUnavailable, message, 503, data);
  }
}
