import { Controller, Get, Res, ServiceUnavailableException } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Readiness } from './readiness.js';

interface ReadyAnswer {
  readonly status: 'ready';
  /** Names of parts that do not work: `redis`. */
  readonly impaired?: readonly string[];
}

/** Probes for load balancers and orchestrators. They need no token and reveal nothing but the state. */
@Controller('health')
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  /** Liveness: the process runs. */
  @Get('live')
  live(): { status: 'up' } {
    return { status: 'up' };
  }

  /**
   * Readiness: 200 while the worker accepts new work, 503 while it is draining. A part that does not work is named and does not
   * change the status: all workers share it, so a load balancer would remove all of them.
   */
  @Get('ready')
  ready(@Res({ passthrough: true }) reply: FastifyReply): ReadyAnswer {
    if (this.readiness.isDraining) {
      void reply.header('retry-after', '1');
      throw new ServiceUnavailableException({ status: 'leaving', part: 'drain' });
    }
    const { impairedParts } = this.readiness;
    return { status: 'ready', ...(impairedParts.length > 0 && { impaired: impairedParts }) };
  }
}
