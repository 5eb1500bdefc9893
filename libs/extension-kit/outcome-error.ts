import type { Outcome, RpcError } from '#lib/mcp-protocol';
import { GatewayError, type GatewayErrorData } from './gateway-error.js';

type Failed = Extract<Outcome, { kind: 'error' }>;

/**
 * Carries a failed outcome through code that throws. The outcome stays unchanged: code, message, data, and an HTTP
 * status only if it had one.
 */
export class OutcomeError extends GatewayError {
  constructor(readonly outcome: Failed) {
    super(
      outcome.error.code,
      outcome.error.message,
      outcome.httpStatus ?? STATUS_OF_A_SERVERS_OWN_ERROR,
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

const STATUS_OF_A_SERVERS_OWN_ERROR = 502;
