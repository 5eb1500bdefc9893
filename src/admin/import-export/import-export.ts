import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import {
  EntriesUnavailable,
  EntryInvalid,
  RegistryStore,
  ServerRegistry,
  SECTIONS,
  type AppliedChanges,
  type Fault,
  type RegistryEntry,
  type Section,
  type DesiredEntry,
} from '../../registry/index.js';
import { ItemDiscovery } from '../registry/item-discovery.js';
import { restoreCredentials, maskCredentials } from '../registry/credential-placeholders.js';
import type { RestoredCounts } from '../../items/index.js';
import { ExportedCredentials } from './exported-credentials.js';
import { ExportedItems, type ExportedItem } from './exported-items.js';

export type SectionEntries = Partial<Record<Section, Record<string, JsonObject>>>;

/** The complete configuration in the format of the configuration file. */
export interface ExportedConfiguration {
  readonly format: 1;
  /** RFC 3339. */
  readonly exportedAt: string;
  /** Entries created over the admin API. An import applies these. */
  readonly entries: SectionEntries;
  /** Managed entries, for information: the configuration file is their export. */
  readonly managed: SectionEntries;
  /** Encrypted credentials of `entries` by path, such as `servers.weather`. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Items of servers with their approved definitions and the settings of admins. */
  readonly items: readonly ExportedItem[];
}

/** The document and options of an import. */
export interface ImportOptions {
  readonly entries: JsonObject;
  readonly credentials: JsonObject;
  /** Absent: items stay unchanged. */
  readonly items?: readonly ExportedItem[];
  readonly replace: boolean;
  readonly dryRun: boolean;
}

/** The changes that an import made. */
export interface ImportResult extends Omit<AppliedChanges, 'warnings'> {
  /**
   * References of the imported entries to servers and teams that do not exist, and extensions that they need, such as
   * `policies.x.teams[0]: …`.
   */
  readonly warnings: readonly string[];
  readonly items?: RestoredCounts;
}

/** Exports and imports the configuration. */
@Injectable()
export class ImportExport {
  constructor(
    private readonly store: RegistryStore,
    private readonly credentials: ExportedCredentials,
    private readonly items: ExportedItems,
    private readonly discovery: ItemDiscovery,
    private readonly clock: Clock,
    private readonly registry: ServerRegistry,
  ) {}

  /**
   * @throws EntriesUnavailable while the secret store does not open an entry: an export without it would let an import delete it
   */
  async export(): Promise<ExportedConfiguration> {
    const [entries, managed]: [SectionEntries, SectionEntries] = [{}, {}];
    const credentials: Record<string, string> = {};
    for (const section of SECTIONS) {
      for (const { slug, managed: isManaged, source, outage } of await this.entriesOf(section)) {
        if (outage !== undefined) throw new EntriesUnavailable('The export is incomplete without it.', outage);
        // An entry whose credentials cannot be decrypted cannot be exported.
        if (!source) continue;
        const part = isManaged ? managed : entries;
        part[section] = { ...part[section], [slug]: maskCredentials(source) };
        const encrypted = isManaged ? undefined : this.credentials.encrypt(`${section}.${slug}`, source);
        if (encrypted !== undefined) credentials[`${section}.${slug}`] = encrypted;
      }
    }
    const items = await this.items.export();
    return { format: 1, exportedAt: new Date(this.clock.now()).toISOString(), entries, managed, credentials, items };
  }

  /** @throws EntryInvalid with every fault of the document */
  async import({ entries, credentials, items, ...options }: ImportOptions): Promise<ImportResult> {
    const faults: Fault[] = [];
    const desired = await this.toDesiredEntries(entries, credentials, faults);
    const desiredItems = items && this.items.parse(items, faults);
    if (faults.length > 0) throw new EntryInvalid(faults);
    const { servers } = this.registry.snapshot;
    const changes = await this.store.apply(desired, options);
    const deleted = servers.filter(({ slug }) => changes.deleted.includes(`servers.${slug}`));
    if (!options.dryRun) await this.discovery.forget(deleted);
    const counts = desiredItems && (await this.items.restore(desiredItems, options));
    if (!options.dryRun) this.scheduleDiscovery([...changes.created, ...changes.updated]);
    const warnings = changes.warnings.map(({ path, message }) => `${path}: ${message}`);
    return { ...changes, warnings, ...(counts && { items: counts }) };
  }

  private scheduleDiscovery(changed: readonly string[]): void {
    const prefix = 'servers.';
    for (const name of changed) if (name.startsWith(prefix)) this.discovery.schedule(name.slice(prefix.length));
  }

  private async toDesiredEntries(
    entries: JsonObject,
    credentials: JsonObject,
    faults: Fault[],
  ): Promise<DesiredEntry[]> {
    const desired: DesiredEntry[] = [];
    for (const [section, part] of Object.entries(entries)) {
      if (!isSection(section) || !isJsonObject(part)) {
        faults.push({
          path: section,
          message: `must be one of ${SECTIONS.join(', ')} and contain a mapping of names to entries.`,
        });
        continue;
      }
      const stored = new Map((await this.entriesOf(section)).map((entry) => [entry.slug, entry.source]));
      for (const [slug, entry] of Object.entries(part)) {
        const name = `${section}.${slug}`;
        if (!isJsonObject(entry)) {
          faults.push({ path: name, message: 'must be a mapping.' });
          continue;
        }
        const previous = this.credentials.decrypt(name, entry, credentials[name]) ?? stored.get(slug);
        const source = restoreEntry(entry, previous, name, faults);
        if (source) desired.push({ section, slug, source });
      }
    }
    return desired;
  }

  private entriesOf(section: Section): Promise<readonly RegistryEntry<unknown>[]> {
    return this.store[section].list();
  }
}

const isSection = (name: string): name is Section => SECTIONS.some((section) => section === name);

/** Restores masked credentials. Collects faults and returns undefined when a credential is missing. */
function restoreEntry(
  entry: JsonObject,
  previous: JsonObject | undefined,
  name: string,
  faults: Fault[],
): JsonObject | undefined {
  try {
    return restoreCredentials(entry, previous);
  } catch (cause) {
    if (!(cause instanceof EntryInvalid)) throw cause;
    faults.push(...cause.faults.map(({ path, message }) => ({ path: `${name}.${path}`, message })));
    return undefined;
  }
}
