import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { Clock } from '#lib/time';
import { ClientAddresses, ReceivedSource } from '../../client-address/index.js';
import { OriginGuard } from '../origin-guard.js';
import { RefusalRecorder } from '../refusal-recorder.js';
import { answerPreflight, shareResponse, varyByOrigin } from './cross-origin.js';
import { RequestRecords } from '../request-records.js';
import { refuseRequest } from './refuse-request.js';

/**
 * Rejects requests of foreign hosts and origins at every path: MCP endpoints, the admin API, its documentation and the
 * metadata. Permits pages of allowed origins to read every response, and answers their preflights. Probes and readers of the
 * metrics are exempt: they send the address of the process as Host. The answer to a probe reveals only its state, and the
 * metrics need a token, which a page of a foreign host does not know.
 */
@Injectable()
export class HostCheck implements OnModuleInit {
  constructor(
    private readonly host: HttpAdapterHost,
    private readonly origins: OriginGuard,
    private readonly refusals: RefusalRecorder,
    private readonly records: RequestRecords,
    private readonly addresses: ClientAddresses,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    const fastify = this.host.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onRequest', ({ raw }, reply, done) => {
      if (isForMonitoring(raw.url ?? '')) return done();
      const { origin } = raw.headers;
      varyByOrigin(raw, reply.raw, origin);
      const refused = this.origins.check(raw.headers);
      if (refused) {
        this.refusals.recordRefused(new ReceivedSource(raw, this.addresses), refused);
        this.records.recordForeign(raw, refused);
        reply.hijack();
        return refuseRequest(raw, reply.raw, refused, this.clock);
      }
      if (origin === undefined) return done();
      shareResponse(reply.raw, origin);
      if (raw.method !== 'OPTIONS') return done();
      // Before authentication: browsers send preflights without a token.
      reply.hijack();
      return answerPreflight(raw, reply.raw, this.clock);
    });
  }
}

const isForMonitoring = (path: string): boolean => path.startsWith('/health/') || /^\/metrics(?:\?|$)/.test(path);
