import { randomUUID } from 'node:crypto';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catchError, mergeMap, type Observable } from 'rxjs';
import { AuditLog, describeCaller, describeSource, type AuditEvent } from '../audit/index.js';
import { refusedCallerOf } from '../auth/index.js';
import { ClientAddresses, ReceivedSource } from '../client-address/index.js';
import { GatewayEvents } from '../events/index.js';
import { findCaller } from './request-caller.js';
import { toProblem } from './problem.js';

type Request = Pick<FastifyRequest, 'method' | 'url' | 'raw'>;

const READ_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const CREATED = 201;

/** What an audit record says about a change. */
type Change = AuditEvent & { readonly outcome: 'done' | 'failed'; readonly status: number };

/** Records changes with their callers and outcomes, and refusals. Requests that only read are not recorded. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly log: AuditLog,
    private readonly addresses: ClientAddresses,
    private readonly events: GatewayEvents,
  ) {}

  recordRefusal(request: Request, cause: unknown): void {
    this.log.recordRefusal({ ...this.describeRequest(request, refusedCallerOf(cause)), ...toFailure(cause) });
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
        await this.record({
          ...this.describeRequest(request),
          ...(status === CREATED && typeof made === 'string' && { made }),
          outcome: 'done',
          status,
        });
        return response;
      }),
      catchError(async (cause: unknown) => {
        await this.record({ ...this.describeRequest(request), outcome: 'failed', ...toFailure(cause) });
        throw cause;
      }),
    );
  }

  private async record(change: Change): Promise<void> {
    await this.log.recordAndFlush(change);
    if (!this.events.isHeard('admin.changed')) return;
    const { issuer, subject, method, path, outcome, status } = change;
    const data = { issuer, subject, method, path, outcome, status };
    this.events.emit('admin.changed', { occurrence: randomUUID(), quietMs: 0, data });
  }

  private describeRequest(
    request: Request,
    caller = findCaller(request),
  ): Omit<AuditEvent, 'outcome' | 'status' | 'reason'> {
    return { ...describeCaller(caller), ...describeSource(new ReceivedSource(request.raw, this.addresses)) };
  }
}

/** An unexpected error is reported without details, which are in the log. */
function toFailure(cause: unknown): { readonly status: number; readonly reason: string } {
  const { status = 500, detail = 'internal error, see the log' } = toProblem(cause) ?? {};
  return { status, reason: detail };
}
