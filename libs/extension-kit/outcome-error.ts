import type { Outcome, RpcError } from '#lib/mcp-protocol';
import { GatewayError, type GatewayErrorData } from './gateway-error.js';

type FailedOutcome = Extract<Outcome, { kind: 'error' }>;

/**
 * Carries a failed outcome through code that throws. The outcome stays unchanged: code, message, data, and an HTTP
 * status only if it had one.
 */
export class OutcomeError extends GatewayError {
  constructor(readonly outcome: FailedOutcome) {
    super(
      outcome.error.code,
      outcome.error.message,
      outcome.httpStatus ?? SERVER_ERROR_HTTP_STATUS,
      outcome.error.data as GatewayErrorData | undefined,
    );
  }

  override toRpcError(): RpcError {
    return this.outcome.error;
  }

  override toOutcome(): Outcome {
    return this.outcome;
  }
}

const SERVER_ERROR_HTTP_STATUS = 502;
