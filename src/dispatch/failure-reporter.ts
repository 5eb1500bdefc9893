import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { failure, isJsonObject, RpcCode, type Outcome } from '#lib/mcp-protocol';

/** The method and endpoint of a failure, for the log. */
export interface FailureContext {
  readonly method: string;
  readonly endpoint: string;
}

/** Converts exceptions to outcomes, and gives gateway errors a request id that also appears in the log. */
@Injectable()
export class FailureReporter {
  private readonly logger = new Logger('Calls');

  /** Reports an unexpected exception as an internal error without details. */
  toOutcome(context: FailureContext, cause: unknown): Outcome {
    if (cause instanceof GatewayError) return this.withRequestId(context, cause.toOutcome());
    this.logger.error(`${context.method} failed`, cause instanceof Error ? cause.stack : String(cause));
    return failure({ code: RpcCode.internalError, message: 'Internal error' }, 500);
  }

  /** Adds a request id to a gateway error. A server's own error is returned unchanged. */
  withRequestId(context: FailureContext, outcome: Outcome): Outcome {
    if (outcome.kind !== 'error') return outcome;
    const { code, message, data } = outcome.error;
    if (!isJsonObject(data) || data['outcome'] === undefined || data['retriable'] === undefined) return outcome;
    const requestId = randomUUID();
    this.logger.warn(`${context.method} at ${context.endpoint} (${requestId}): ${code} ${message}`);
    return { ...outcome, error: { ...outcome.error, data: { ...data, requestId } } };
  }
}
