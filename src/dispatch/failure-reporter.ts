import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { failure, isJsonObject, RpcCode, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import type { TrackedCall } from '../telemetry/index.js';

/** The request that failed. */
export interface FailureContext {
  readonly method: string;
  /** Absent: the gateway itself made the request. */
  readonly record?: Pick<TrackedCall, 'requestId'> | undefined;
}

/** Converts exceptions to outcomes, and gives gateway errors a request id that the record of the request contains too. */
@Injectable()
export class FailureReporter {
  private readonly logger = new Logger(FailureReporter.name);

  /** Reports an unexpected exception as an internal error without details. */
  toOutcome(context: FailureContext, cause: unknown): Outcome {
    if (cause instanceof GatewayError) return this.withRequestId(context, cause.toOutcome());
    this.logger.error(`${context.method} failed`, cause instanceof Error ? cause.stack : String(cause));
    return failure({ code: RpcCode.internalError, message: 'Internal error' }, 500);
  }

  /**
   * Adds a request id to a gateway error. A call that failed at another worker keeps the id of the request to that worker,
   * which the logs of both workers contain at the level `debug`. A server's own error is returned unchanged.
   */
  withRequestId(context: FailureContext, outcome: Outcome): Outcome {
    if (outcome.kind !== 'error') return outcome;
    const { data } = outcome.error;
    if (!isJsonObject(data) || data['outcome'] === undefined || data['retriable'] === undefined) return outcome;
    const requestId = readForwardedId(outcome.httpStatus, data) ?? context.record?.requestId ?? randomUUID();
    return { ...outcome, error: { ...outcome.error, data: { ...data, requestId } } };
  }
}

/** Only errors of the gateway have an HTTP status: a server must not choose an id for the log. */
function readForwardedId(httpStatus: number | undefined, data: JsonObject): string | undefined {
  const { requestId } = data;
  return httpStatus !== undefined && typeof requestId === 'string' ? requestId : undefined;
}
