import { Injectable, Logger, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { tap, type Observable } from 'rxjs';
import { GatewayError, type Caller } from '#lib/extension-kit';

type Request = Pick<FastifyRequest, 'method' | 'url'>;

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const LONGEST = 300;

/** Says in the log who has changed what, with which success, and who was refused. What is only looked at is not said. */
@Injectable()
export class Audit implements NestInterceptor {
  // Nest makes an instance for every controller, and one for the guard.
  private static readonly callers = new WeakMap<Request, Caller>();
  private readonly logger = new Logger('Audit');

  /** The request comes from this caller. */
  note(request: Request, caller: Caller): void {
    Audit.callers.set(request, caller);
  }

  refused(request: Request, cause: unknown): void {
    this.logger.warn(`${this.whoDoesWhat(request)}: refused, ${reasonOf(cause)}`);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>();
    if (READING.has(request.method)) return next.handle();
    return next.handle().pipe(
      tap({
        complete: () => this.logger.log(`${this.whoDoesWhat(request)}: done`),
        error: (cause) => this.logger.warn(`${this.whoDoesWhat(request)}: failed, ${reasonOf(cause)}`),
      }),
    );
  }

  private whoDoesWhat(request: Request): string {
    const caller = Audit.callers.get(request);
    const who = caller
      ? `${caller.principal.subject} of ${caller.principal.issuer} (${caller.roles.join(', ')})`
      : 'Nobody';
    return clean(`${who}: ${request.method} ${request.url.split('?', 1)[0]}`);
  }
}

/** A defect is told where it is logged. */
const reasonOf = (cause: unknown): string =>
  cause instanceof GatewayError ? `${cause.httpStatus}: ${clean(cause.message)}` : 'of a defect';

/** One line, whatever it says. */
const clean = (text: string): string => text.slice(0, LONGEST).replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
