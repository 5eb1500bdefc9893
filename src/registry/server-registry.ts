import type { GuardrailDefinition } from './guardrail-definition.js';
import type { LimitDefinition, PolicyDefinition, TeamDefinition } from './policy-definition.js';
import type { ServerDefinition, VirtualServerDefinition } from './server-definition.js';

/** One consistent state of the configuration. `version` increases with every change. */
export interface RegistrySnapshot {
  readonly version: number;
  /** In configuration order. */
  readonly servers: readonly ServerDefinition[];
  readonly virtualServers: readonly VirtualServerDefinition[];
  readonly teams: readonly TeamDefinition[];
  readonly policies: readonly PolicyDefinition[];
  readonly limits: readonly LimitDefinition[];
  readonly guardrails: readonly GuardrailDefinition[];
  /** Settings of the default endpoint, which exposes every enabled server. */
  readonly defaultEndpoint: { readonly public: boolean; readonly instructions?: string };
}

/** Provides the current configuration from memory. */
export abstract class ServerRegistry {
  abstract get snapshot(): RegistrySnapshot;

  /** Returns the server of this slug if it exists and is enabled. */
  find(slug: string): ServerDefinition | undefined {
    return this.snapshot.servers.find((server) => server.enabled && server.slug === slug);
  }

  /** Calls the listener after each applied change with the new and the previous snapshot. Returns a function that unsubscribes. */
  abstract onChange(listener: (now: RegistrySnapshot, before: RegistrySnapshot) => void): () => void;
}
