import type { JsonObject } from '#lib/mcp-protocol';
import type { AppliedChanges, ApplyOptions, DesiredEntry } from './registry-changes.js';
import type { Fault } from './registry.errors.js';
import type { GuardrailDefinition } from './guardrail-definition.js';
import type { LimitDefinition, PolicyDefinition, TeamDefinition } from './policy-definition.js';
import type { SecretDefinition } from './secret-definition.js';
import type { ServerDefinition, VirtualServerDefinition } from './server-definition.js';

/** An entry of the registry with its source, its definition and its faults. */
export interface RegistryEntry<Definition> {
  readonly slug: string;
  /** True for an entry that the configuration file declares. It can be changed only there. */
  readonly managed: boolean;
  /** Increases with each change. A change must name the version that it was made for. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** The source in the format of the configuration file, with credentials. Undefined when these cannot be decrypted. */
  readonly source: JsonObject | undefined;
  /** Why the secret store has not opened its credentials: they are not lost, and it is asked again. */
  readonly outage?: string;
  /** The definition derived from the source on this host, with credentials. Undefined when the source is invalid here. */
  readonly definition: Definition | undefined;
  /** Why the entry cannot be used on this host, completely or in part. Paths are relative to the entry. */
  readonly faults: readonly Fault[];
  /** References to servers and teams that do not exist, so that a part of the entry has no effect. Paths are relative. */
  readonly warnings: readonly Fault[];
  /** What refers to a secret, such as `server weather`. Absent for other kinds. */
  readonly usedBy?: readonly string[];
}

/** The entries of one kind. A source must follow the rules of the configuration file; `${NAME}` in it is plain text. */
export interface RegistryEntries<Definition> {
  /** Lists the managed entries in the order of the file, then the others by slug. */
  list(): Promise<readonly RegistryEntry<Definition>[]>;
  find(slug: string): Promise<RegistryEntry<Definition> | undefined>;
  /**
   * Validates the source of an entry without storing it, and returns its definition.
   * @throws EntryInvalid
   */
  validate(slug: string, source: JsonObject): Promise<Definition>;
  /** @throws EntryInvalid, SlugTaken */
  create(slug: string, source: JsonObject): Promise<RegistryEntry<Definition>>;
  /**
   * Replaces the whole source of an entry.
   * @throws EntryInvalid, EntryUnknown, EntryManaged, VersionMismatch
   */
  replace(slug: string, source: JsonObject, version: number): Promise<RegistryEntry<Definition>>;
  /** @throws EntryUnknown, EntryManaged, VersionMismatch, EntryInUse */
  delete(slug: string, version: number): Promise<void>;
}

/**
 * Stores changes of the registry while the gateway runs. When a change resolves, this worker serves it; other workers serve
 * it within a second. Every method may throw DatabaseUnavailable.
 */
export abstract class RegistryStore {
  abstract readonly servers: RegistryEntries<ServerDefinition>;
  abstract readonly virtualServers: RegistryEntries<VirtualServerDefinition>;
  abstract readonly teams: RegistryEntries<TeamDefinition>;
  abstract readonly policies: RegistryEntries<PolicyDefinition>;
  abstract readonly limits: RegistryEntries<LimitDefinition>;
  abstract readonly guardrails: RegistryEntries<GuardrailDefinition>;
  abstract readonly secrets: RegistryEntries<SecretDefinition>;

  /**
   * Creates and updates entries to match their desired state, all of them or none.
   * @throws EntryInvalid with every fault
   */
  abstract apply(desired: readonly DesiredEntry[], options: ApplyOptions): Promise<AppliedChanges>;

  /**
   * Makes every worker reconnect to a server: connections close after their in-flight calls, and cached state such as the era
   * and the lists is discarded.
   * @throws EntryUnknown
   */
  abstract refresh(slug: string): Promise<void>;
}
