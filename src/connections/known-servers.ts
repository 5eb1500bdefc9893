import type { Era } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ServerProfile } from '../upstream/index.js';

/** What this worker has learned about servers: their eras and profiles, each valid for one definition of a server. */
export class KnownServers {
  private readonly eras = new WeakMap<ServerDefinition, Era>();
  private readonly profiles = new WeakMap<ServerDefinition, ServerProfile>();

  eraOf(server: ServerDefinition): Era | undefined {
    return this.eras.get(server);
  }

  profileOf(server: ServerDefinition): ServerProfile | undefined {
    return this.profiles.get(server);
  }

  setEra(server: ServerDefinition, era: Era): void {
    this.eras.set(server, era);
  }

  /** Stores the profile of a connection that was opened, and with it the era. */
  setProfile(server: ServerDefinition, profile: ServerProfile): void {
    this.profiles.set(server, profile);
    this.eras.set(server, profile.era);
  }
}
