import { Controller, Get, Res, ServiceUnavailableException } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Readiness } from './readiness.js';

/** Probes for load balancers and orchestrators. They need no token and reveal nothing but the state. */
@Controller('health')
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  /** Liveness: the process runs. */
  @Get('live')
  live(): { status: 'up' } {
    return { status: 'up' };
  }

  /** Readiness: 200 while the worker accepts new work, 503 while it is draining. */
  @Get('ready')
  ready(@Res({ passthrough: true }) reply: FastifyReply): { status: 'ready' } {
    if (this.readiness.isDraining) {
      void reply.header('retry-after', '1');
      throw new ServiceUnavailableException({ status: 'leaving' });
    }
    return { status: 'ready' };
  }
}
