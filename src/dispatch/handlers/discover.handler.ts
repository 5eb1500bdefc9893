import { Injectable } from '@nestjs/common';
import {
  isJsonObject,
  META,
  metaOf,
  result,
  SUPPORTED_REVISIONS,
  type JsonObject,
  type Outcome,
} from '#lib/mcp-protocol';
import type { ServerDefinition } from '../../registry/index.js';
import type { StreamSink } from '../../session-pool/index.js';
import { CallDelivery } from '../call-delivery.js';
import { MethodHandler, type Inbound } from '../inbound.js';
import { ServerProfiles } from '../server-profiles.js';
import { EndpointInfo } from '../endpoint-info.js';
import { offeredCapabilities } from '../unknown-methods.js';

/** Returns the capabilities of the endpoint to a modern client (specification 2026: server/discover). */
@Injectable()
export class DiscoverHandler extends MethodHandler {
  readonly methods = ['server/discover'];

  constructor(
    private readonly endpointInfo: EndpointInfo,
    private readonly profiles: ServerProfiles,
    private readonly delivery: CallDelivery,
  ) {
    super();
  }

  async handle(inbound: Inbound, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const [server] = inbound.endpoint.servers;
    if (server && inbound.endpoint.transparent && (await this.profiles.detectEra(server, inbound)) === 'modern') {
      const outcome = await this.delivery.deliver(inbound, { server, request: inbound.request }, sink, signal);
      return outcome.kind === 'error'
        ? outcome
        : result({
            ...restrictCapabilities(inbound, server, outcome.result),
            supportedVersions: [...SUPPORTED_REVISIONS],
          });
    }
    const { serverInfo, ...offered } = await this.endpointInfo.readProfile(inbound, 'modern');
    const _meta = { ...metaOf(offered), [META.serverInfo]: serverInfo };
    return result({ supportedVersions: [...SUPPORTED_REVISIONS], ...offered, _meta });
  }
}

function restrictCapabilities({ endpoint }: Inbound, server: ServerDefinition, offered: JsonObject): JsonObject {
  const { capabilities } = offered;
  if (!isJsonObject(capabilities)) return offered;
  return { ...offered, capabilities: offeredCapabilities(endpoint, server, capabilities) };
}
