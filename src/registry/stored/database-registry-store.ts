import type { Kysely } from 'kysely';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  EntryInUse,
  EntryInvalid,
  EntryManaged,
  EntryUnknown,
  SlugTaken,
  VersionMismatch,
  type Fault,
} from '../registry.errors.js';
import type { AppliedChanges, ApplyOptions, WantedEntry } from '../registry-changes.js';
import { RegistryStore, type RegistryEntries, type RegistryEntry } from '../registry-store.js';
import type { LimitDefinition, PolicyDefinition, TeamDefinition } from '../policy-definition.js';
import type { ServerDefinition, VirtualServerDefinition } from '../server-definition.js';
import { faultOfSlug } from '../slug.js';
import { applyEntries } from './apply-entries.js';
import { keyOf, SECTION_OF, type NamedKind, type StoredEntry } from './entry.js';
import type { EntryReader, EntryReading, RegistryReading } from './entry-reader.js';
import type { EntryTable } from './entry-table.js';
import type { RegistryTables } from './registry-tables.js';
import { usersOf } from './uses.js';

/** The collaborators of the store. */
export interface StoreParts {
  readonly table: EntryTable;
  readonly resolver: EntryReader;
  /** Resolves when this worker serves all changes committed before the call. */
  refresh(): Promise<void>;
}

export class DatabaseRegistryStore extends RegistryStore {
  readonly servers: RegistryEntries<ServerDefinition>;
  readonly virtualServers: RegistryEntries<VirtualServerDefinition>;
  readonly teams: RegistryEntries<TeamDefinition>;
  readonly policies: RegistryEntries<PolicyDefinition>;
  readonly limits: RegistryEntries<LimitDefinition>;

  constructor(private readonly parts: StoreParts) {
    super();
    this.servers = new StoredEntries(parts, 'server', ({ servers }) => servers);
    this.virtualServers = new StoredEntries(parts, 'virtual-server', ({ virtualServers }) => virtualServers);
    this.teams = new StoredEntries(parts, 'team', ({ teams }) => teams);
    this.policies = new StoredEntries(parts, 'policy', ({ policies }) => policies);
    this.limits = new StoredEntries(parts, 'limit', ({ limits }) => limits);
  }

  override async apply(desired: readonly WantedEntry[], options: ApplyOptions): Promise<AppliedChanges> {
    const changes = await applyEntries(this.parts, desired, options);
    await this.parts.refresh();
    return changes;
  }

  override async refresh(slug: string): Promise<void> {
    if (!(await this.parts.table.refresh(slug))) throw new EntryUnknown(slug);
    await this.parts.refresh();
  }
}

class StoredEntries<Definition> implements RegistryEntries<Definition> {
  constructor(
    private readonly parts: StoreParts,
    private readonly kind: NamedKind,
    private readonly ofKind: (registry: RegistryReading) => readonly EntryReading<Definition>[],
  ) {}

  async list(): Promise<readonly RegistryEntry<Definition>[]> {
    return this.show(await this.parts.table.entries());
  }

  async find(slug: string): Promise<RegistryEntry<Definition> | undefined> {
    return (await this.list()).find((entry) => entry.slug === slug);
  }

  async draft(slug: string, written: JsonObject): Promise<Definition> {
    return this.judge(slug, written, await this.parts.table.entries());
  }

  create(slug: string, written: JsonObject): Promise<RegistryEntry<Definition>> {
    return this.write(async (tables, stored) => {
      const message = faultOfSlug(slug);
      if (message !== undefined) throw new EntryInvalid([{ path: '', message }]);
      if (stored.some((entry) => keyOf(entry) === keyOf({ kind: this.kind, slug }))) throw new SlugTaken(slug);
      this.judge(slug, written, stored);
      await this.parts.table.insert(tables, { kind: this.kind, slug, written, isManaged: false });
      return await this.shown(slug, tables);
    });
  }

  replace(slug: string, written: JsonObject, version: number): Promise<RegistryEntry<Definition>> {
    return this.write(async (tables, stored) => {
      this.changeable(slug, version, stored);
      this.judge(slug, written, stored);
      await this.parts.table.update(tables, { kind: this.kind, slug, written, isManaged: false });
      return await this.shown(slug, tables);
    });
  }

  delete(slug: string, version: number): Promise<void> {
    return this.write(async (tables, stored) => {
      this.changeable(slug, version, stored);
      const usedBy = usersOf({ kind: this.kind, slug }, stored);
      if (usedBy.length > 0) throw new EntryInUse(slug, usedBy);
      await this.parts.table.delete(tables, { kind: this.kind, slug });
    });
  }

  private async write<R>(
    change: (tables: Kysely<RegistryTables>, stored: readonly StoredEntry[]) => Promise<R>,
  ): Promise<R> {
    const { table } = this.parts;
    const result = await table.exclusively(async (tables) => change(tables, await table.entries(tables)));
    await this.parts.refresh();
    return result;
  }

  private changeable(slug: string, version: number, stored: readonly StoredEntry[]): void {
    const found = stored.find((entry) => entry.slug === slug && entry.kind === this.kind);
    if (found === undefined) throw new EntryUnknown(slug);
    if (found.isManaged) throw new EntryManaged(slug);
    if (found.version !== version) throw new VersionMismatch(slug, version, found.version);
  }

  /** Resolves the source together with all stored entries, as if it were stored. @throws EntryInvalid */
  private judge(slug: string, written: JsonObject, stored: readonly StoredEntry[]): Definition {
    const now = new Date();
    const draft: StoredEntry = {
      kind: this.kind,
      slug,
      written,
      isManaged: false,
      version: 0,
      refreshes: 0,
      createdAt: now,
      updatedAt: now,
    };
    const others = stored.filter((entry) => keyOf(entry) !== keyOf(draft));
    const resolved = this.ofKind(this.parts.resolver.read([...others, draft])).find(({ entry }) => entry === draft);
    const faults = this.within(slug, resolved?.faults ?? []);
    if (faults.length > 0 || !resolved?.definition) throw new EntryInvalid(faults);
    return resolved.definition;
  }

  private async shown(slug: string, tables: Kysely<RegistryTables>): Promise<RegistryEntry<Definition>> {
    const entries = this.show(await this.parts.table.entries(tables));
    const entry = entries.find((candidate) => candidate.slug === slug);
    if (entry === undefined) throw new EntryUnknown(slug);
    return entry;
  }

  private show(stored: readonly StoredEntry[]): readonly RegistryEntry<Definition>[] {
    return this.ofKind(this.parts.resolver.read(stored)).map(
      ({ entry, definition, faults }): RegistryEntry<Definition> => ({
        slug: entry.slug,
        managed: entry.isManaged,
        version: entry.version,
        createdAt: entry.createdAt,
        updatedAt: entry.updatedAt,
        written: entry.written,
        definition,
        faults: this.within(entry.slug, faults),
      }),
    );
  }

  private within(slug: string, faults: readonly Fault[]): readonly Fault[] {
    const entryPath = `${SECTION_OF[this.kind]}.${slug}`;
    return faults.map(({ path, message }) => ({ path: path.slice(entryPath.length).replace(/^\./, ''), message }));
  }
}
