import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catchError, mergeMap, type Observable } from 'rxjs';
import { AuditLog, describeCaller, type AuditEvent } from '../audit/index.js';
import { MissingScope } from '../auth/index.js';
import { ClientAddresses, ReceivedSource } from '../client-address/index.js';
import { findCaller } from './request-caller.js';
import { toProblem } from './problem.js';

type Request = Pick<FastifyRequest, 'method' | 'url' | 'raw'>;

const READ_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const MAX_PATH_LENGTH = 300;
const CREATED = 201;

/** Records changes with their callers and outcomes, and refusals. Requests that only read are not recorded. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly log: AuditLog,
    private readonly addresses: ClientAddresses,
  ) {}

  recordRefusal(request: Request, cause: unknown): void {
    // The caller of a token without the required scopes is known, although it is not admitted.
    const caller = cause instanceof MissingScope ? describeCaller(cause.caller) : {};
    this.log.recordRefusal({ ...this.describeRequest(request), ...caller, ...toFailure(cause) });
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    if (READ_METHODS.has(request.method)) return next.handle();
    return next.handle().pipe(
      mergeMap(async (response: unknown) => {
        const reply = http.getResponse<FastifyReply>();
        const made = reply.getHeader('location');
        const { statusCode: status } = reply;
        await this.log.recordAndFlush({
          ...this.describeRequest(request),
          ...(status === CREATED && typeof made === 'string' && { made }),
          outcome: 'done',
          status,
        });
        return response;
      }),
      catchError(async (cause: unknown) => {
        await this.log.recordAndFlush({ ...this.describeRequest(request), outcome: 'failed', ...toFailure(cause) });
        throw cause;
      }),
    );
  }

  private describeRequest(request: Request): Omit<AuditEvent, 'outcome' | 'status' | 'reason'> {
    const { method, path, address } = new ReceivedSource(request.raw, this.addresses);
    return {
      ...describeCaller(findCaller(request)),
      method,
      path: path.slice(0, MAX_PATH_LENGTH),
      ...(address !== undefined && { address }),
    };
  }
}

/** An unexpected error is reported without details, which are in the log. */
function toFailure(cause: unknown): { readonly status: number; readonly reason: string } {
  const { status = 500, detail = 'internal error, see the log' } = toProblem(cause) ?? {};
  return { status, reason: detail };
}
