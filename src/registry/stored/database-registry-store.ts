import type { JsonObject } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import {
  EntriesUnavailable,
  EntryInUse,
  EntryInvalid,
  EntryManaged,
  EntryUnknown,
  SlugTaken,
  VersionMismatch,
  type Fault,
} from '../registry.errors.js';
import type { AppliedChanges, ApplyOptions, DesiredEntry } from '../registry-changes.js';
import { RegistryStore, type RegistryEntries, type RegistryEntry } from '../registry-store.js';
import type { GuardrailDefinition } from '../guardrail-definition.js';
import type { LimitDefinition, PolicyDefinition, TeamDefinition } from '../policy-definition.js';
import type { SecretDefinition } from '../secret-definition.js';
import type { ServerDefinition, VirtualServerDefinition } from '../server-definition.js';
import { findSlugFault } from '../slug.js';
import { findWarnings, namesOf } from './warnings.js';
import { applyEntries } from './apply-entries.js';
import { keyOf, SECTION_BY_KIND, type NamedKind, type StoredEntry } from './entry.js';
import type { EntryResolver, ResolvedEntry, ResolvedRegistry } from './entry-resolver.js';
import type { EntryChange } from './entry-change.js';
import type { EntryTable } from './entry-table.js';
import { findDependents, findUnknownUse } from './dependents.js';

/** The collaborators of the store. */
export interface StoreDependencies {
  readonly table: EntryTable;
  readonly clock: Clock;
  readonly resolver: EntryResolver;
  /** Resolves when this worker serves all changes committed before the call. */
  refresh(): Promise<void>;
}

export class DatabaseRegistryStore extends RegistryStore {
  readonly servers: RegistryEntries<ServerDefinition>;
  readonly virtualServers: RegistryEntries<VirtualServerDefinition>;
  readonly teams: RegistryEntries<TeamDefinition>;
  readonly policies: RegistryEntries<PolicyDefinition>;
  readonly limits: RegistryEntries<LimitDefinition>;
  readonly guardrails: RegistryEntries<GuardrailDefinition>;
  readonly secrets: RegistryEntries<SecretDefinition>;

  constructor(private readonly dependencies: StoreDependencies) {
    super();
    this.servers = new StoredEntries(dependencies, 'server', ({ servers }) => servers);
    this.virtualServers = new StoredEntries(dependencies, 'virtual-server', ({ virtualServers }) => virtualServers);
    this.teams = new StoredEntries(dependencies, 'team', ({ teams }) => teams);
    this.policies = new StoredEntries(dependencies, 'policy', ({ policies }) => policies);
    this.limits = new StoredEntries(dependencies, 'limit', ({ limits }) => limits);
    this.guardrails = new StoredEntries(dependencies, 'guardrail', ({ guardrails }) => guardrails);
    this.secrets = new StoredEntries(dependencies, 'secret', ({ secrets }) => secrets);
  }

  override async apply(desired: readonly DesiredEntry[], options: ApplyOptions): Promise<AppliedChanges> {
    const changes = await applyEntries(this.dependencies, desired, options);
    await this.dependencies.refresh();
    return changes;
  }

  override async refresh(slug: string): Promise<void> {
    if (!(await this.dependencies.table.incrementRefreshes(slug))) throw new EntryUnknown(slug);
    await this.dependencies.refresh();
  }
}

class StoredEntries<Definition> implements RegistryEntries<Definition> {
  constructor(
    private readonly dependencies: StoreDependencies,
    private readonly kind: NamedKind,
    private readonly selectKind: (registry: ResolvedRegistry) => readonly ResolvedEntry<Definition>[],
  ) {}

  async list(): Promise<readonly RegistryEntry<Definition>[]> {
    return this.toEntries(await this.dependencies.table.readEntries());
  }

  async find(slug: string): Promise<RegistryEntry<Definition> | undefined> {
    return (await this.list()).find((entry) => entry.slug === slug);
  }

  async validate(slug: string, source: JsonObject): Promise<Definition> {
    return this.validateSource(slug, source, await this.dependencies.table.readEntries());
  }

  create(slug: string, source: JsonObject): Promise<RegistryEntry<Definition>> {
    return this.write(async (change, stored) => {
      const message = findSlugFault(slug);
      if (message !== undefined) throw new EntryInvalid([{ path: 'slug', message }]);
      if (stored.some((entry) => keyOf(entry) === keyOf({ kind: this.kind, slug }))) throw new SlugTaken(slug);
      this.validateSource(slug, source, stored);
      await change.insert({ kind: this.kind, slug, source, isManaged: false });
      return await this.readEntry(slug, change);
    });
  }

  replace(slug: string, source: JsonObject, version: number): Promise<RegistryEntry<Definition>> {
    return this.write(async (change, stored) => {
      this.requireChangeable(slug, version, stored);
      this.validateSource(slug, source, stored);
      await change.update({ kind: this.kind, slug, source, isManaged: false });
      return await this.readEntry(slug, change);
    });
  }

  delete(slug: string, version: number): Promise<void> {
    return this.write(async (change, stored) => {
      this.requireChangeable(slug, version, stored);
      const usedBy = findDependents({ kind: this.kind, slug }, stored);
      if (usedBy.length > 0) throw new EntryInUse(slug, usedBy);
      const unknown = findUnknownUse({ kind: this.kind, slug }, stored);
      if (unknown !== undefined)
        throw new EntriesUnavailable('That entry may use the secret, which was not deleted.', unknown);
      await change.delete({ kind: this.kind, slug });
    });
  }

  private async write<R>(work: (change: EntryChange, stored: readonly StoredEntry[]) => Promise<R>): Promise<R> {
    const { table } = this.dependencies;
    const result = await table.runExclusively(async (change) => work(change, await change.readEntries()));
    await this.dependencies.refresh();
    return result;
  }

  private requireChangeable(slug: string, version: number, stored: readonly StoredEntry[]): void {
    const found = stored.find((entry) => entry.slug === slug && entry.kind === this.kind);
    if (found === undefined) throw new EntryUnknown(slug);
    if (found.isManaged) throw new EntryManaged(slug);
    if (found.version !== version) throw new VersionMismatch(slug, version, found.version);
  }

  /** Resolves the source together with all stored entries, as if it were stored. @throws EntryInvalid */
  private validateSource(slug: string, source: JsonObject, stored: readonly StoredEntry[]): Definition {
    const now = new Date(this.dependencies.clock.now());
    const draft: StoredEntry = {
      kind: this.kind,
      slug,
      source,
      isManaged: false,
      version: 0,
      refreshes: 0,
      createdAt: now,
      updatedAt: now,
    };
    const others = stored.filter((entry) => keyOf(entry) !== keyOf(draft));
    const resolved = this.selectKind(this.dependencies.resolver.resolve([...others, draft])).find(
      ({ entry }) => entry === draft,
    );
    const before = stored.find((entry) => keyOf(entry) === keyOf(draft));
    const addressFaults = this.dependencies.resolver.findAddressFaults(draft, before);
    const faults = this.toRelativeFaults(slug, [...(resolved?.faults ?? []), ...addressFaults]);
    if (faults.length > 0 || !resolved?.definition) throw new EntryInvalid(faults);
    return resolved.definition;
  }

  private async readEntry(slug: string, change: EntryChange): Promise<RegistryEntry<Definition>> {
    const entries = this.toEntries(await change.readEntries());
    const entry = entries.find((candidate) => candidate.slug === slug);
    if (entry === undefined) throw new EntryUnknown(slug);
    return entry;
  }

  private toEntries(stored: readonly StoredEntry[]): readonly RegistryEntry<Definition>[] {
    const registry = this.dependencies.resolver.resolve(stored);
    const names = namesOf(registry);
    return this.selectKind(registry).map(({ entry, definition, faults }): RegistryEntry<Definition> => ({
      slug: entry.slug,
      managed: entry.isManaged,
      version: entry.version,
      createdAt: entry.createdAt,
      updatedAt: entry.updatedAt,
      source: entry.source,
      ...(entry.outage !== undefined && { outage: entry.outage }),
      definition,
      faults: this.toRelativeFaults(entry.slug, faults),
      warnings: findWarnings({ entry, definition }, names),
      ...(this.kind === 'secret' && { usedBy: findDependents(entry, stored) }),
    }));
  }

  private toRelativeFaults(slug: string, faults: readonly Fault[]): readonly Fault[] {
    const entryPath = `${SECTION_BY_KIND[this.kind]}.${slug}`;
    return faults.map(({ path, message }) => ({ path: path.slice(entryPath.length).replace(/^\./, ''), message }));
  }
}
