import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catchError, mergeMap, type Observable } from 'rxjs';
import { AuditLog, type AuditRecord } from '../audit/index.js';
import { findCaller } from './request-caller.js';
import { toProblem } from './problem.js';

type Request = Pick<FastifyRequest, 'method' | 'url' | 'ip'>;

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const LONGEST_PATH = 300;
const CREATED = 201;

/** Notes who has changed what, with which success, and who was refused. What is only looked at is not noted. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(private readonly log: AuditLog) {}

  recordRefusal(request: Request, cause: unknown): void {
    this.log.record({ ...whoDoesWhat(request), outcome: 'refused', ...endOf(cause) });
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    if (READING.has(request.method)) return next.handle();
    return next.handle().pipe(
      mergeMap(async (answer: unknown) => {
        const reply = http.getResponse<FastifyReply>();
        const made = reply.getHeader('location');
        const { statusCode: status } = reply;
        await this.log.recordAndFlush({
          ...whoDoesWhat(request),
          ...(status === CREATED && typeof made === 'string' && { made }),
          outcome: 'done',
          status,
        });
        return answer;
      }),
      catchError(async (cause: unknown) => {
        await this.log.recordAndFlush({ ...whoDoesWhat(request), outcome: 'failed', ...endOf(cause) });
        throw cause;
      }),
    );
  }
}

function whoDoesWhat(request: Request): Omit<AuditRecord, 'id' | 'at' | 'outcome' | 'status' | 'reason'> {
  const { principal, roles = [] } = findCaller(request) ?? {};
  const [path = ''] = request.url.split('?', 1);
  return {
    issuer: principal?.issuer ?? '',
    subject: principal?.subject ?? '',
    roles,
    method: request.method,
    path: path.slice(0, LONGEST_PATH),
    address: request.ip,
  };
}

/** A defect is told where it is logged. */
function endOf(cause: unknown): { readonly status: number; readonly reason: string } {
  const { status = 500, detail = 'a defect, see the log' } = toProblem(cause) ?? {};
  return { status, reason: detail };
}
