import { Injectable } from '@nestjs/common';
import type { Outcome } from '#lib/mcp-protocol';
import { isFullyVisible } from '../../catalog/index.js';
import { Limits } from '../../limits/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { CallDelivery } from '../call-delivery.js';
import { methodNotFound } from '../dispatch.errors.js';
import type { Inbound } from '../inbound.js';

/**
 * Passes unknown methods through at a transparent endpoint; at other endpoints their server is ambiguous. The gateway cannot
 * tell which items such a method uses, so it is available only to callers without restrictions at the server (invariant 10).
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
    if (!server || !endpoint.transparent || !isFullyVisible(endpoint)) return methodNotFound(request.method);
    const deliver = () => this.delivery.deliver(inbound, { server, request }, sink, signal);
    return this.limits.run({ caller, server, use: undefined }, deliver);
  }
}
