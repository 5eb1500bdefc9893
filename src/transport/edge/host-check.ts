import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { Clock } from '#lib/time';
import { OriginGuard } from '../origin-guard.js';
import { refuseRequest } from './refuse-request.js';

/**
 * Rejects requests of foreign hosts and origins at every path: MCP endpoints, the admin API, its documentation and the
 * metadata. Probes are exempt: they send the address of the process as Host, and their answer reveals only its state.
 */
@Injectable()
export class HostCheck implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly origins: OriginGuard,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onRequest', ({ raw }, reply, done) => {
      const refused = isProbe(raw.url ?? '') ? undefined : this.origins.check(raw.headers);
      if (!refused) return done();
      reply.hijack();
      return refuseRequest(raw, reply.raw, refused, this.clock);
    });
  }
}

const isProbe = (path: string): boolean => path.startsWith('/health/');
