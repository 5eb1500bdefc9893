import type { LimitDefinition, PolicyDefinition, TeamDefinition } from './policy-definition.js';
import type { ServerDefinition, VirtualServerDefinition } from './server-definition.js';

/** One consistent state of the configuration. `version` grows with every change. */
export interface RegistrySnapshot {
  readonly version: number;
  /** In configuration order. */
  readonly servers: readonly ServerDefinition[];
  readonly virtualServers: readonly VirtualServerDefinition[];
  readonly teams: readonly TeamDefinition[];
  readonly policies: readonly PolicyDefinition[];
  readonly limits: readonly LimitDefinition[];
  /** Overrides for the default endpoint, which shows every enabled server. */
  readonly defaultEndpoint: { readonly public: boolean; readonly instructions?: string };
}

/** Knows what is configured. Answers from memory: reading it costs nothing. */
export abstract class ServerRegistry {
  abstract get snapshot(): RegistrySnapshot;

  /** The server, if there is one and it is enabled. */
  find(slug: string): ServerDefinition | undefined {
    return this.snapshot.servers.find((server) => server.enabled && server.slug === slug);
  }

  /** Calls back after each change that was applied, with the new and the previous state. Returns how to stop. */
  abstract onChange(listener: (now: RegistrySnapshot, before: RegistrySnapshot) => void): () => void;
}
