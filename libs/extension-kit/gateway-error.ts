import type { ExecutionOutcome, JsonObject, Outcome, RpcError } from '#lib/mcp-protocol';

/** The `data` of an error that the gateway creates (docs/errors.md). */
export interface GatewayErrorData {
  readonly outcome: ExecutionOutcome;
  readonly retriable: boolean;
  readonly httpStatus?: number;
  readonly retryAfterMs?: number;
  readonly server?: string;
  readonly wwwAuthenticate?: string;
}

/**
 * A failure that the gateway reports itself: a stable code, an HTTP status, and a message that says what to do.
 * Any other thrown value becomes -32603 without details.
 */
export class GatewayError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly httpStatus: number,
    readonly data?: GatewayErrorData | JsonObject,
  ) {
    super(message);
    this.name = new.target.name;
  }

  toRpcError(): RpcError {
    const { code, message, data } = this;
    return data === undefined ? { code, message } : { code, message, data: data as JsonObject };
  }

  toOutcome(): Outcome {
    return { kind: 'error', error: this.toRpcError(), httpStatus: this.httpStatus };
  }
}
