import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { failure, isJsonObject, RpcCode, type Outcome } from '#lib/mcp-protocol';

/** Where a failure happened, for the log. */
export interface FailureContext {
  readonly method: string;
  readonly endpoint: string;
}

/** Makes outcomes of what is thrown, and failures findable: those of our own carry an id that stands in the log. */
@Injectable()
export class FailureReporter {
  private readonly logger = new Logger('Calls');

  /** A defect of ours is told as such, without details. */
  toOutcome(scene: FailureContext, cause: unknown): Outcome {
    if (cause instanceof GatewayError) return this.withRequestId(scene, cause.toOutcome());
    this.logger.error(`${scene.method} failed`, cause instanceof Error ? cause.stack : String(cause));
    return failure({ code: RpcCode.internalError, message: 'Internal error' }, 500);
  }

  /** A server's own error passes unchanged. */
  withRequestId(scene: FailureContext, outcome: Outcome): Outcome {
    if (outcome.kind !== 'error') return outcome;
    const { code, message, data } = outcome.error;
    if (!isJsonObject(data) || data['outcome'] === undefined || data['retriable'] === undefined) return outcome;
    const requestId = randomUUID();
    this.logger.warn(`${scene.method} at ${scene.endpoint} (${requestId}): ${code} ${message}`);
    return { ...outcome, error: { ...outcome.error, data: { ...data, requestId } } };
  }
}
