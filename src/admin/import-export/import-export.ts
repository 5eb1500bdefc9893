import { Injectable } from '@nestjs/common';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import {
  EntryInvalid,
  RegistryStore,
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

/** All that is configured, in the words of the configuration file. */
export interface ExportedConfiguration {
  readonly format: 1;
  /** RFC 3339. */
  readonly exportedAt: string;
  /** What was made over the admin API: this is what an import takes. */
  readonly entries: SectionEntries;
  /** What the configuration file declares; that file is its own export. */
  readonly managed: SectionEntries;
  /** Credentials of `entries`, closed: `servers.weather`, and so on. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Items of servers, as they were approved, and what was said of them. */
  readonly items: readonly ExportedItem[];
}

/** What an import is to do. */
export interface ImportOptions {
  readonly entries: JsonObject;
  readonly credentials: JsonObject;
  /** Absent: they stay as they are. */
  readonly items?: readonly ExportedItem[];
  readonly replace: boolean;
  readonly dryRun: boolean;
}

/** What came of it. */
export interface ImportResult extends AppliedChanges {
  readonly items?: RestoredCounts;
}

/** Takes all that is configured out, and in again. */
@Injectable()
export class ImportExport {
  constructor(
    private readonly store: RegistryStore,
    private readonly credentials: ExportedCredentials,
    private readonly items: ExportedItems,
    private readonly discovery: ItemDiscovery,
  ) {}

  async export(): Promise<ExportedConfiguration> {
    const [entries, managed]: [SectionEntries, SectionEntries] = [{}, {}];
    const credentials: Record<string, string> = {};
    for (const section of SECTIONS) {
      for (const { slug, managed: isManaged, source } of await this.entriesOf(section)) {
        // What cannot be opened any more cannot be taken along either.
        if (!source) continue;
        const part = isManaged ? managed : entries;
        part[section] = { ...part[section], [slug]: maskCredentials(source) };
        const closed = isManaged ? undefined : this.credentials.encrypt(`${section}.${slug}`, source);
        if (closed !== undefined) credentials[`${section}.${slug}`] = closed;
      }
    }
    const items = await this.items.export();
    return { format: 1, exportedAt: new Date().toISOString(), entries, managed, credentials, items };
  }

  /** @throws EntryInvalid that names everything that is wrong */
  async import({ entries, credentials, items, ...options }: ImportOptions): Promise<ImportResult> {
    const faults: Fault[] = [];
    const wanted = await this.toDesiredEntries(entries, credentials, faults);
    const wantedItems = items && this.items.parse(items, faults);
    if (faults.length > 0) throw new EntryInvalid(faults);
    const changes = await this.store.apply(wanted, options);
    const counts = wantedItems && (await this.items.restore(wantedItems, options));
    if (!options.dryRun) this.scheduleDiscovery([...changes.created, ...changes.updated]);
    return { ...changes, ...(counts && { items: counts }) };
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
    const wanted: DesiredEntry[] = [];
    for (const [section, part] of Object.entries(entries)) {
      if (!isSection(section) || !isJsonObject(part)) {
        faults.push({
          path: section,
          message: `must be one of ${SECTIONS.join(', ')}, and a mapping of names to entries.`,
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
        const known = this.credentials.decrypt(name, entry, credentials[name]) ?? stored.get(slug);
        const source = restored(entry, known, name, faults);
        if (source) wanted.push({ section, slug, source });
      }
    }
    return wanted;
  }

  private entriesOf(section: Section): Promise<readonly RegistryEntry<unknown>[]> {
    return this.store[section].list();
  }
}

const isSection = (name: string): name is Section => SECTIONS.some((section) => section === name);

function restored(
  entry: JsonObject,
  known: JsonObject | undefined,
  name: string,
  faults: Fault[],
): JsonObject | undefined {
  try {
    return restoreCredentials(entry, known);
  } catch (cause) {
    if (!(cause instanceof EntryInvalid)) throw cause;
    faults.push(...cause.faults.map(({ path, message }) => ({ path: `${name}.${path}`, message })));
    return undefined;
  }
}
