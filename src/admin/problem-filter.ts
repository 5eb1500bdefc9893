import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { toProblemHeaders, createProblem, toProblem } from './problem.js';

const MEDIA_TYPE = 'application/problem+json';

/** Makes a problem document of whatever is thrown (RFC 9457). A defect of ours is told as such, without details. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Admin');

  catch(cause: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const told = toProblem(cause);
    if (!told) this.logger.error('A request failed', cause instanceof Error ? cause.stack : String(cause));
    const { status, ...rest } = told ?? createProblem(500);
    const headers = toProblemHeaders(cause);
    void reply
      .status(status)
      .headers(headers)
      .type(MEDIA_TYPE)
      .send(JSON.stringify({ ...rest, status }));
  }
}
