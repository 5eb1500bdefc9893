import { Injectable } from '@nestjs/common';
import type { Outcome } from '#lib/mcp-protocol';
import type { StreamSink } from '../../session-pool/index.js';
import { CallDelivery } from '../call-delivery.js';
import { methodNotFound } from '../dispatch.errors.js';
import type { Inbound } from '../inbound.js';

/** A transparent endpoint passes on what it does not know; elsewhere nobody could say which server is meant. */
@Injectable()
export class UnknownMethodHandler {
  constructor(private readonly delivery: CallDelivery) {}

  handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const [server] = inbound.endpoint.servers;
    const { request } = inbound;
    if (!server || !inbound.endpoint.transparent) return Promise.resolve(methodNotFound(request.method));
    return this.delivery.deliver(inbound, { server, request }, sink, signal);
  }
}
