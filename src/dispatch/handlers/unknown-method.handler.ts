import { Injectable } from '@nestjs/common';
import type { Outcome } from '#lib/mcp-protocol';
import { Limits } from '../../limits/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { CallDelivery } from '../call-delivery.js';
import { methodNotFound } from '../dispatch.errors.js';
import type { Inbound } from '../inbound.js';
import { serverThatReceives } from '../unknown-methods.js';

/** Passes unknown methods and those of tasks through at a transparent endpoint, where the server's entry allows it. */
@Injectable()
export class UnknownMethodHandler {
  constructor(
    private readonly delivery: CallDelivery,
    private readonly limits: Limits,
  ) {}

  async handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const { caller, endpoint, request } = inbound;
    const server = serverThatReceives(endpoint, request.method);
    if (!server) return methodNotFound(request.method);
    inbound.record?.address(server.slug);
    const deliver = () => this.delivery.deliver(inbound, { server, request }, sink, signal);
    return this.limits.run({ caller, server, use: undefined }, deliver);
  }
}
