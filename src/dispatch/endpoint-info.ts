import { Injectable } from '@nestjs/common';
import { PRODUCT } from '#lib/extension-kit';
import { result, type Era, type JsonObject, type Outcome, type RequestId } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import type { LocalSession } from '../affinity/index.js';
import type { ServerDefinition } from '../registry/index.js';
import { whileServerWorks } from '../telemetry/index.js';
import type { ServerProfile } from '../upstream/index.js';
import { toOtherEraCapabilities, mergeCapabilities } from './capabilities.js';
import { FailureReporter } from './failure-reporter.js';
import { DispatchConfig } from './dispatch.config.js';
import type { Inbound } from './inbound.js';
import { AdaptiveTimeout } from './adaptive-timeout.js';
import { ServerProfiles } from './server-profiles.js';
import { offeredCapabilities } from './unknown-methods.js';

/** Capabilities, server info and instructions of an endpoint for a client of either era. */
export interface EndpointProfile {
  readonly capabilities: JsonObject;
  readonly serverInfo: JsonObject;
  readonly instructions?: string;
}

type EndpointClient = Pick<Inbound, 'caller' | 'client' | 'endpoint' | 'record'>;

/** Builds the `initialize` result and the discovery of an endpoint. */
@Injectable()
export class EndpointInfo {
  private readonly adaptiveTimeout: AdaptiveTimeout;

  constructor(
    private readonly profiles: ServerProfiles,
    private readonly failureReporter: FailureReporter,
    config: DispatchConfig,
    clock: Clock,
  ) {
    this.adaptiveTimeout = new AdaptiveTimeout(config.listTimeoutMs, clock);
  }

  /**
   * The result of `initialize` (specification 2025: basic/lifecycle), or an error when the server of a transparent endpoint
   * cannot be reached. There it opens the session's own connection, so that its profile is the one of that connection, and
   * nothing is lost that either side sends after the handshake.
   */
  async initializeResult(visitor: EndpointClient, session: LocalSession, requestId: RequestId): Promise<Outcome> {
    try {
      const connect = (server: ServerDefinition) => session.connect(server, requestId);
      const profile = await whileServerWorks(visitor.record, () => this.readProfile(visitor, 'legacy', connect));
      return result({ protocolVersion: visitor.client.revision, ...profile });
    } catch (cause) {
      return this.failureReporter.toOutcome({ method: 'initialize', record: visitor.record }, cause);
    }
  }

  /**
   * Rejects with a GatewayError when the one server of a transparent endpoint cannot be reached.
   * @param readOwn reads the profile of that server
   */
  async readProfile(
    visitor: EndpointClient,
    era: Era,
    readOwn = (server: ServerDefinition) => this.profiles.profileOf(server, visitor),
  ): Promise<EndpointProfile> {
    const [server] = visitor.endpoint.servers;
    if (server && visitor.endpoint.transparent) {
      const profile = toTransparentProfile(await readOwn(server), era);
      return { ...profile, capabilities: offeredCapabilities(visitor.endpoint, server, profile.capabilities) };
    }
    const { title, instructions } = visitor.endpoint;
    return {
      capabilities: mergeCapabilities(await this.readReachableProfiles(visitor)),
      serverInfo: { ...PRODUCT, ...(title !== undefined && { title }) },
      ...(instructions !== undefined && { instructions }),
    };
  }

  /** Omits servers that do not answer in time. Their items appear in lists once they answer again. */
  private async readReachableProfiles(visitor: EndpointClient): Promise<ServerProfile[]> {
    const read = (server: ServerDefinition) => {
      const profile = () => this.profiles.profileOf(server, visitor).catch(() => undefined);
      return this.adaptiveTimeout.run(server, profile, (known) => known !== undefined);
    };
    const profiles = await Promise.all(visitor.endpoint.servers.map(read));
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
