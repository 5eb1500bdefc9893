import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { Clock } from '#lib/time';
import { ClientAddresses, ReceivedSource } from '../../client-address/index.js';
import { OriginGuard } from '../origin-guard.js';
import { RefusalRecorder } from '../refusal-recorder.js';
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
    private readonly refusals: RefusalRecorder,
    private readonly addresses: ClientAddresses,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onRequest', ({ raw }, reply, done) => {
      const refused = isProbe(raw.url ?? '') ? undefined : this.origins.check(raw.headers);
      if (!refused) return done();
      this.refusals.recordRefused(new ReceivedSource(raw, this.addresses), refused);
      reply.hijack();
      return refuseRequest(raw, reply.raw, refused, this.clock);
    });
  }
}

const isProbe = (path: string): boolean => path.startsWith('/health/');
