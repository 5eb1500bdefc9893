import { Injectable } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import type { Era } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { UpstreamPool } from '../connections/index.js';
import type { ServerProfile } from '../upstream/index.js';
import type { Inbound } from './inbound.js';

type InboundClient = Pick<Inbound, 'caller' | 'client'> & Partial<Pick<Inbound, 'session' | 'endpoint'>>;

/** Profiles of servers: era, capabilities and info. The connection pool caches them. */
@Injectable()
export class ServerProfiles {
  constructor(private readonly upstreams: UpstreamPool) {}

  /** The era of a server, if a connection has discovered it before. */
  eraOf(server: ServerDefinition, inbound?: InboundClient): Era | undefined {
    return this.upstreams.eraOf(server, inbound && { clientEra: clientEraOf(inbound) });
  }

  /** True if the credentials of the gateway at the server do not depend on the caller. */
  isCommon(server: ServerDefinition, caller: Caller): boolean {
    return this.upstreams.hasCommonCredentials(server, caller);
  }

  /** Identifies the credentials of a caller at a server. Throws a GatewayError if the strategy of an extension fails. */
  accountOf(server: ServerDefinition, caller: Caller): string {
    return this.upstreams.accountOf(server, caller);
  }

  /** Rejects with a GatewayError when the server cannot be reached. */
  detectEra(server: ServerDefinition, inbound: InboundClient): Promise<Era> {
    const { caller, client } = inbound;
    return this.upstreams.detectEra(server, { caller, client, clientEra: clientEraOf(inbound) });
  }

  /** Rejects with a GatewayError when the server cannot be reached. */
  profileOf(server: ServerDefinition, inbound: InboundClient): Promise<ServerProfile> {
    const { caller, client } = inbound;
    return this.upstreams.profileOf(server, { caller, client, session: undefined, clientEra: clientEraOf(inbound) });
  }
}

/** The session of a client at the endpoint of one server is legacy there, too (`clientEraOf` of connections). */
const clientEraOf = ({ session, endpoint }: InboundClient): Era =>
  session && endpoint?.transparent ? 'legacy' : 'modern';
