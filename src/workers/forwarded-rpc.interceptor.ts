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
 * Stands before what other workers ask of this one, and makes a JSON-RPC error envelope of whatever is thrown: an
 * exception would not survive the way back, and the client would be told nothing but that something failed.
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
 * The same mapper that decides what a server's answer means (docs/errors.md): statuses that refuse say that nothing ran.
 * Whoever throws after something may have run throws a GatewayError, which says so itself.
 */
function toHttpExceptionOutcome(cause: HttpException): Outcome {
  const told = cause.getResponse();
  const body = typeof told === 'string' ? told : JSON.stringify(told);
  return withStatus(outcomeOfHttp({ status: cause.getStatus(), body }, NO_ID), cause.getStatus());
}

/** What is thrown on purpose for the other side: a text, or an error with a code of its own. */
function toRpcExceptionOutcome(cause: RpcException): Outcome {
  const told = cause.getError();
  if (!isRpcError(told)) return createFailure(RpcCode.internalError, cause.message);
  const { code, message, data } = told;
  const status = 'httpStatus' in told && typeof told.httpStatus === 'number' ? told.httpStatus : 500;
  return withStatus(failure(data === undefined ? { code, message } : { code, message, data }), status);
}

function createFailure(code: number, message: string): Outcome {
  const data = { outcome: 'unknown', retriable: false, httpStatus: 500 } as const;
  return failure({ code, message, data }, 500);
}

/** An error that says nothing of its status gets that of the exception, in its data too. */
function withStatus(outcome: Outcome, status: number): Outcome {
  // However it is dressed, what was thrown is no success.
  if (outcome.kind === 'result') return createFailure(RpcCode.internalError, 'Internal error');
  const { error } = outcome;
  const { data = {} } = error;
  const told = isJsonObject(data) && data['httpStatus'] === undefined ? { ...data, httpStatus: status } : data;
  return { ...outcome, httpStatus: outcome.httpStatus ?? status, error: { ...error, data: told } };
}

/** An exception answers no request of anybody; its mapping needs no id. */
const NO_ID = 0;
