import type { Era } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { COMMON_ACCOUNT, type ServerProfile } from '../upstream/index.js';

interface KnownServer {
  readonly era: Era;
  readonly profile?: ServerProfile | undefined;
}

/**
 * What this worker has learned about servers: in which era each serves a client, and its profile there. Valid for one
 * definition of a server. A server that speaks both eras serves a client in the era of that client (`clientEraOf`).
 */
export class KnownServers {
  private readonly servers = {
    legacy: new WeakMap<ServerDefinition, KnownServer>(),
    modern: new WeakMap<ServerDefinition, KnownServer>(),
  };

  eraOf(server: ServerDefinition, clientEra: Era): Era | undefined {
    return this.servers[clientEra].get(server)?.era;
  }

  profileOf(server: ServerDefinition, clientEra: Era): ServerProfile | undefined {
    return this.servers[clientEra].get(server)?.profile;
  }

  setEra(server: ServerDefinition, clientEra: Era, era: Era): void {
    this.set(server, clientEra, { era });
  }

  /** Stores the profile of a connection that was opened, and with it the era. What an account sees is not kept for others. */
  setProfile(server: ServerDefinition, clientEra: Era, profile: ServerProfile, account = COMMON_ACCOUNT): void {
    this.set(server, clientEra, { era: profile.era, ...(account === COMMON_ACCOUNT && { profile }) });
  }

  /** A server that serves a client in the other era speaks that one only. */
  private set(server: ServerDefinition, clientEra: Era, known: KnownServer): void {
    const profile = known.profile ?? this.profileOf(server, clientEra);
    const stored = { era: known.era, ...(profile?.era === known.era && { profile }) };
    this.servers[clientEra].set(server, stored);
    if (known.era !== clientEra) this.servers[known.era].set(server, stored);
  }
}
