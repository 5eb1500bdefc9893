import {
  HttpException,
  Injectable,
  Logger,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { catchError, of, type Observable } from 'rxjs';
import { GatewayError } from '#lib/extension-kit';
import { failure, isJsonObject, isRpcError, outcomeOfHttp, RpcCode, type Outcome } from '#lib/mcp-protocol';
import { WorkerSignal } from './worker-signal.js';

/**
 * Converts every exception of a handler that serves other workers into a JSON-RPC error envelope. Without it the
 * exception would be lost on the way back, and the client would get an error without a reason.
 */
@Injectable()
export class ForwardedRpcInterceptor implements NestInterceptor {
  private readonly logger = new Logger(ForwardedRpcInterceptor.name);

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((cause: unknown) => {
        if (cause instanceof WorkerSignal) return of(cause.toReply());
        return of(this.toEnvelope(cause, context.getHandler().name));
      }),
    );
  }

  private toEnvelope(cause: unknown, handler: string): Outcome {
    if (cause instanceof GatewayError) return cause.toOutcome();
    if (cause instanceof HttpException) return toHttpExceptionOutcome(cause);
    if (cause instanceof RpcException) return toRpcExceptionOutcome(cause);
    this.logger.error(`${handler} failed`, cause instanceof Error ? cause.stack : String(cause));
    return createFailure(RpcCode.internalError, 'Internal error');
  }
}

/**
 * Uses the mapper that converts upstream HTTP answers (docs/errors.md): a status that refuses a request means that
 * nothing ran. Code that throws after a call may have run throws a GatewayError, which carries its own outcome.
 */
function toHttpExceptionOutcome(cause: HttpException): Outcome {
  const detail = cause.getResponse();
  const body = typeof detail === 'string' ? detail : JSON.stringify(detail);
  return withStatus(outcomeOfHttp({ status: cause.getStatus(), body }, NO_ID), cause.getStatus());
}

/** Converts an exception that a handler threw for the other worker: a text, or an error with its own code. */
function toRpcExceptionOutcome(cause: RpcException): Outcome {
  const detail = cause.getError();
  if (!isRpcError(detail)) return createFailure(RpcCode.internalError, cause.message);
  const { code, message, data } = detail;
  const status = 'httpStatus' in detail && typeof detail.httpStatus === 'number' ? detail.httpStatus : 500;
  return withStatus(failure(data === undefined ? { code, message } : { code, message, data }), status);
}

function createFailure(code: number, message: string): Outcome {
  const data = { outcome: 'unknown', retriable: false, httpStatus: 500 } as const;
  return failure({ code, message, data }, 500);
}

/** Gives an error without a status the status of the exception, in its data too. */
function withStatus(outcome: Outcome, status: number): Outcome {
  // An exception is never a success, whatever its body contains.
  if (outcome.kind === 'result') return createFailure(RpcCode.internalError, 'Internal error');
  const { error } = outcome;
  const { data = {} } = error;
  const detail = isJsonObject(data) && data['httpStatus'] === undefined ? { ...data, httpStatus: status } : data;
  return { ...outcome, httpStatus: outcome.httpStatus ?? status, error: { ...error, data: detail } };
}

/** An exception answers no request, so its mapping needs no id. */
const NO_ID = 0;
