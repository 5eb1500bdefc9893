import { Injectable } from '@nestjs/common';
import { isLogLevel, result, toLogLevelFault, type Outcome } from '#lib/mcp-protocol';
import type { StreamSink } from '../../session-pool/index.js';
import { CallDelivery } from '../call-delivery.js';
import { invalidParams, methodNotFound } from '../dispatch.errors.js';
import { MethodHandler, type Inbound } from '../inbound.js';
import { ServerProfiles } from '../server-profiles.js';

/** Sets the minimum severity of the log messages that a session receives (specification 2025: server/utilities/logging). */
@Injectable()
export class LogLevelHandler extends MethodHandler {
  readonly methods = ['logging/setLevel'];

  constructor(
    private readonly profiles: ServerProfiles,
    private readonly delivery: CallDelivery,
  ) {
    super();
  }

  async handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const { session, endpoint, request } = inbound;
    const { level } = request.params;
    if (!session) return methodNotFound(request.method);
    if (!isLogLevel(level)) return invalidParams(`${toLogLevelFault('params.level', level)}.`);
    const [server] = endpoint.servers;
    if (server && endpoint.transparent) {
      const { era, capabilities } = await this.profiles.profileOf(server, inbound);
      if (!capabilities['logging']) return methodNotFound(request.method, 'logging');
      const outcome =
        era === 'modern' ? result({}) : await this.delivery.deliver(inbound, { server, request }, sink, signal);
      if (outcome.kind === 'error') return outcome;
    }
    // Modern servers, and servers without a connection yet, receive the level with later calls.
    await session.setLogLevel(level);
    return result({});
  }
}
