import { Controller, Get, HttpException, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { LifecycleConfig } from './lifecycle.config.js';
import { Readiness, type ImpairedPart } from './readiness.js';

interface ReadyAnswer {
  readonly status: 'ready' | 'unready';
  /** Names of the parts because of which the worker is not ready: `draining`, `event-loop`. */
  readonly unready?: readonly string[];
  /** Names of all parts that do not work: `redis`. */
  readonly impaired?: readonly string[];
  /** Why each of them does not work. */
  readonly reasons?: Readonly<Record<string, string>>;
}

const DRAINING: ImpairedPart = { name: 'draining', reason: 'The worker is draining and accepts no new work.' };
const UNREADY_STATUS = 503;

/** Probes for load balancers and orchestrators. They need no token and reveal nothing but the state. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly readiness: Readiness,
    private readonly config: LifecycleConfig,
  ) {}

  /** Liveness: the process runs. */
  @Get('live')
  live(): { status: 'up' } {
    return { status: 'up' };
  }

  /**
   * Readiness: 200 while the worker accepts new work, 503 while it is draining or a required part does not work. Other parts
   * are named and do not change the status: all workers share them, so a load balancer would remove all of them.
   */
  @Get('ready')
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadyAnswer> {
    // A worker that leaves must say so at once, whatever the checks of its parts would find.
    const impaired = this.readiness.isDraining ? [] : await this.readiness.findImpaired();
    const required = impaired.filter(({ name }) => this.config.requiredParts.includes(name));
    const unready = this.readiness.isDraining ? [DRAINING, ...required] : required;
    const named = [...new Map([...unready, ...impaired].map((part) => [part.name, part])).values()];
    const answer = {
      ...(impaired.length > 0 && { impaired: impaired.map(({ name }) => name) }),
      ...(named.length > 0 && { reasons: Object.fromEntries(named.map(({ name, reason }) => [name, reason])) }),
    };
    if (unready.length === 0) return { status: 'ready', ...answer };
    void reply.header('retry-after', '1');
    const body: ReadyAnswer = { status: 'unready', unready: unready.map(({ name }) => name), ...answer };
    throw new HttpException(body, UNREADY_STATUS);
  }
}
