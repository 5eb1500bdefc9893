import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { toProblemHeaders, createProblem, toProblem } from './problem.js';

const MEDIA_TYPE = 'application/problem+json';

/** Converts every exception to a problem document (RFC 9457). An unexpected error becomes a 500 without details. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Admin');

  catch(cause: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const known = toProblem(cause);
    if (!known)
      this.logger.error('A request failed unexpectedly.', cause instanceof Error ? cause.stack : String(cause));
    const { status, ...rest } = known ?? createProblem(500);
    const headers = toProblemHeaders(cause);
    void reply
      .status(status)
      .headers(headers)
      .type(MEDIA_TYPE)
      .send(JSON.stringify({ ...rest, status }));
  }
}
