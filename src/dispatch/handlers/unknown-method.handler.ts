import { Injectable } from '@nestjs/common';
import type { Outcome } from '#lib/mcp-protocol';
import { isShownInFull } from '../../catalog/index.js';
import { Limits } from '../../limits/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { CallDelivery } from '../call-delivery.js';
import { methodNotFound } from '../dispatch.errors.js';
import type { Inbound } from '../inbound.js';

/**
 * A transparent endpoint passes on what it does not know; elsewhere nobody could say which server is meant. What such a
 * method does to which items nobody can say either: it is there only for callers from whom nothing of the server is kept.
 */
@Injectable()
export class UnknownMethodHandler {
  constructor(
    private readonly delivery: CallDelivery,
    private readonly limits: Limits,
  ) {}

  async handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const { caller, endpoint, request } = inbound;
    const [server] = endpoint.servers;
    if (!server || !endpoint.transparent || !isShownInFull(endpoint)) return methodNotFound(request.method);
    const deliver = () => this.delivery.deliver(inbound, { server, request }, sink, signal);
    return this.limits.run({ caller, server, tool: undefined }, deliver);
  }
}
