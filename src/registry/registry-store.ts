import type { JsonObject } from '#lib/mcp-protocol';
import type { AppliedChanges, ApplyOptions, DesiredEntry } from './registry-changes.js';
import type { Fault } from './registry.errors.js';
import type { LimitDefinition, PolicyDefinition, TeamDefinition } from './policy-definition.js';
import type { ServerDefinition, VirtualServerDefinition } from './server-definition.js';

/** An entry of the registry, as it is shown to those who may change it. */
export interface RegistryEntry<Definition> {
  readonly slug: string;
  /** Declared in the configuration file: it can only be changed there. */
  readonly managed: boolean;
  /** Grows with each change. Whoever changes the entry names the version that the change was made for. */
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** In the words of the configuration file, credentials included; undefined when they cannot be opened any more. */
  readonly source: JsonObject | undefined;
  /** What that means here, credentials included; undefined when it cannot be used here. */
  readonly definition: Definition | undefined;
  /** Why it cannot be used here, or not as a whole. Their paths start in the entry. */
  readonly faults: readonly Fault[];
}

/** Entries of one kind. What is written keeps the rules of the configuration file; `${NAME}` in it is plain text. */
export interface RegistryEntries<Definition> {
  /** Those of the file in its order, then the others by slug. */
  list(): Promise<readonly RegistryEntry<Definition>[]>;
  find(slug: string): Promise<RegistryEntry<Definition> | undefined>;
  /**
   * What an entry would mean here, without writing it.
   * @throws EntryInvalid
   */
  validate(slug: string, source: JsonObject): Promise<Definition>;
  /** @throws EntryInvalid, SlugTaken */
  create(slug: string, source: JsonObject): Promise<RegistryEntry<Definition>>;
  /**
   * Writes the entry anew as a whole.
   * @throws EntryInvalid, EntryUnknown, EntryManaged, VersionMismatch
   */
  replace(slug: string, source: JsonObject, version: number): Promise<RegistryEntry<Definition>>;
  /** @throws EntryUnknown, EntryManaged, VersionMismatch, EntryInUse */
  delete(slug: string, version: number): Promise<void>;
}

/**
 * What people change while the gateway runs. A change that was answered is served by this worker, and by the others
 * within a second. Everything here may throw DatabaseUnavailable.
 */
export abstract class RegistryStore {
  abstract readonly servers: RegistryEntries<ServerDefinition>;
  abstract readonly virtualServers: RegistryEntries<VirtualServerDefinition>;
  abstract readonly teams: RegistryEntries<TeamDefinition>;
  abstract readonly policies: RegistryEntries<PolicyDefinition>;
  abstract readonly limits: RegistryEntries<LimitDefinition>;

  /**
   * Brings entries to what is wanted of them, all of them or none.
   * @throws EntryInvalid that names everything that is wrong with them
   */
  abstract apply(wanted: readonly DesiredEntry[], options: ApplyOptions): Promise<AppliedChanges>;

  /**
   * Has a server reached anew at every worker: its connections are closed once their calls are answered, what was learned
   * of it is forgotten.
   * @throws EntryUnknown
   */
  abstract refresh(slug: string): Promise<void>;
}
