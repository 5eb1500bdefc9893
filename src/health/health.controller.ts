import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { Readiness } from './readiness.js';

/** Probes for load balancers and orchestrators. They need no token and tell nothing but up or down. */
@Controller('health')
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  /** The process runs. */
  @Get('live')
  live(): { status: 'up' } {
    return { status: 'up' };
  }

  /** The worker takes new work: 200, or 503 while it is leaving. */
  @Get('ready')
  ready(): { status: 'ready' } {
    if (this.readiness.isDraining) throw new ServiceUnavailableException({ status: 'leaving' });
    return { status: 'ready' };
  }
}
