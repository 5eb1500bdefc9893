import { Injectable } from '@nestjs/common';
import type { Era } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { UpstreamPool } from '../connections/index.js';
import type { ServerProfile } from '../upstream/index.js';
import type { Inbound } from './inbound.js';

/** Profiles of servers: era, capabilities and info. The connection pool caches them. */
@Injectable()
export class ServerProfiles {
  constructor(private readonly upstreams: UpstreamPool) {}

  /** The era of a server, if a connection has discovered it before. */
  eraOf(server: ServerDefinition): Era | undefined {
    return this.upstreams.eraOf(server);
  }

  /** Rejects with a GatewayError when the server cannot be reached. */
  detectEra(server: ServerDefinition, inbound: Pick<Inbound, 'caller' | 'client'>): Promise<Era> {
    return this.upstreams.detectEra(server, inbound);
  }

  /** Rejects with a GatewayError when the server cannot be reached. */
  profileOf(server: ServerDefinition, { caller, client }: Pick<Inbound, 'caller' | 'client'>): Promise<ServerProfile> {
    return this.upstreams.profileOf(server, { caller, client, session: undefined });
  }
}
