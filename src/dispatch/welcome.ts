import { Injectable } from '@nestjs/common';
import { PRODUCT } from '#lib/extension-kit';
import { result, type Era, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { isShownInFull } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { ServerProfile } from '../upstream/index.js';
import { commonCapabilities, knownCapabilities, unitedCapabilities } from './capabilities.js';
import { Failures } from './failures.js';
import { DispatchConfig } from './dispatch.config.js';
import type { Inbound } from './inbound.js';
import { Patience } from './patience.js';
import { ServerProfiles } from './server-profiles.js';

/** What an endpoint says about itself to a client of either era. */
export interface EndpointProfile {
  readonly capabilities: JsonObject;
  readonly serverInfo: JsonObject;
  readonly instructions?: string;
}

type Visitor = Pick<Inbound, 'caller' | 'client' | 'endpoint'>;

/** Receives clients: says what an endpoint offers. */
@Injectable()
export class Welcome {
  private readonly patience: Patience;

  constructor(
    private readonly profiles: ServerProfiles,
    private readonly failures: Failures,
    config: DispatchConfig,
  ) {
    this.patience = new Patience(config.listPatienceMs);
  }

  /** The result of `initialize` (specification 2025: basic/lifecycle), or why the one server behind it has none. */
  async answerHandshake(visitor: Visitor): Promise<Outcome> {
    try {
      return result({ protocolVersion: visitor.client.revision, ...(await this.profileOf(visitor, 'legacy')) });
    } catch (cause) {
      return this.failures.outcomeOf({ method: 'initialize', endpoint: visitor.endpoint.id }, cause);
    }
  }

  /** Rejects with a GatewayError when the one server of a transparent endpoint cannot be reached. */
  async profileOf(visitor: Visitor, era: Era): Promise<EndpointProfile> {
    const [server] = visitor.endpoint.servers;
    if (server && visitor.endpoint.transparent) {
      const profile = transparentProfile(await this.profiles.of(server, visitor), era);
      // What the gateway does not know it passes on for nobody who sees a part only.
      if (isShownInFull(visitor.endpoint)) return profile;
      return { ...profile, capabilities: knownCapabilities(profile.capabilities) };
    }
    const { title, instructions } = visitor.endpoint;
    return {
      capabilities: unitedCapabilities(await this.reachable(visitor)),
      serverInfo: { ...PRODUCT, ...(title !== undefined && { title }) },
      ...(instructions !== undefined && { instructions }),
    };
  }

  /** A server that does not answer in time is left out; it shows in the lists when it is back. */
  private async reachable(visitor: Visitor): Promise<ServerProfile[]> {
    const ask = (server: ServerDefinition) => {
      const profile = () => this.profiles.of(server, visitor).catch(() => undefined);
      return this.patience.wait(server.slug, profile, (known) => known !== undefined);
    };
    const profiles = await Promise.all(visitor.endpoint.servers.map(ask));
    return profiles.filter((profile) => profile !== undefined);
  }
}

function transparentProfile(profile: ServerProfile, era: Era): EndpointProfile {
  const { capabilities, serverInfo, instructions } = profile;
  return {
    capabilities: profile.era === era ? capabilities : commonCapabilities(capabilities),
    serverInfo: serverInfo ?? PRODUCT,
    ...(instructions !== undefined && { instructions }),
  };
}
