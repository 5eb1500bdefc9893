import { Injectable } from '@nestjs/common';
import { PRODUCT } from '#lib/extension-kit';
import { result, type Era, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { isShownInFull } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { ServerProfile } from '../upstream/index.js';
import { toOtherEraCapabilities, toGatewayCapabilities, mergeCapabilities } from './capabilities.js';
import { FailureReporter } from './failure-reporter.js';
import { DispatchConfig } from './dispatch.config.js';
import type { Inbound } from './inbound.js';
import { AdaptiveTimeout } from './adaptive-timeout.js';
import { ServerProfiles } from './server-profiles.js';

/** What an endpoint says about itself to a client of either era. */
export interface EndpointProfile {
  readonly capabilities: JsonObject;
  readonly serverInfo: JsonObject;
  readonly instructions?: string;
}

type EndpointClient = Pick<Inbound, 'caller' | 'client' | 'endpoint'>;

/** Receives clients: says what an endpoint offers. */
@Injectable()
export class EndpointInfo {
  private readonly adaptiveTimeout: AdaptiveTimeout;

  constructor(
    private readonly profiles: ServerProfiles,
    private readonly failureReporter: FailureReporter,
    config: DispatchConfig,
  ) {
    this.adaptiveTimeout = new AdaptiveTimeout(config.listTimeoutMs);
  }

  /** The result of `initialize` (specification 2025: basic/lifecycle), or why the one server behind it has none. */
  async initializeResult(visitor: EndpointClient): Promise<Outcome> {
    try {
      return result({ protocolVersion: visitor.client.revision, ...(await this.readProfile(visitor, 'legacy')) });
    } catch (cause) {
      return this.failureReporter.toOutcome({ method: 'initialize', endpoint: visitor.endpoint.id }, cause);
    }
  }

  /** Rejects with a GatewayError when the one server of a transparent endpoint cannot be reached. */
  async readProfile(visitor: EndpointClient, era: Era): Promise<EndpointProfile> {
    const [server] = visitor.endpoint.servers;
    if (server && visitor.endpoint.transparent) {
      const profile = toTransparentProfile(await this.profiles.profileOf(server, visitor), era);
      // What the gateway does not know it passes on for nobody who sees a part only.
      if (isShownInFull(visitor.endpoint)) return profile;
      return { ...profile, capabilities: toGatewayCapabilities(profile.capabilities) };
    }
    const { title, instructions } = visitor.endpoint;
    return {
      capabilities: mergeCapabilities(await this.readReachableProfiles(visitor)),
      serverInfo: { ...PRODUCT, ...(title !== undefined && { title }) },
      ...(instructions !== undefined && { instructions }),
    };
  }

  /** A server that does not answer in time is left out; it shows in the lists when it is back. */
  private async readReachableProfiles(visitor: EndpointClient): Promise<ServerProfile[]> {
    const ask = (server: ServerDefinition) => {
      const profile = () => this.profiles.profileOf(server, visitor).catch(() => undefined);
      return this.adaptiveTimeout.run(server.slug, profile, (known) => known !== undefined);
    };
    const profiles = await Promise.all(visitor.endpoint.servers.map(ask));
    return profiles.filter((profile) => profile !== undefined);
  }
}

function toTransparentProfile(profile: ServerProfile, era: Era): EndpointProfile {
  const { capabilities, serverInfo, instructions } = profile;
  return {
    capabilities: profile.era === era ? capabilities : toOtherEraCapabilities(capabilities),
    serverInfo: serverInfo ?? PRODUCT,
    ...(instructions !== undefined && { instructions }),
  };
}
