import type { JsonObject } from '#lib/mcp-protocol';
import { EntryUnknown, type RegistryEntries, type RegistryEntry } from '../../registry/index.js';
import { demandMatch } from '../entity-tags.js';
import { pageOf, type Page } from '../pages.js';
import type { EntryQuery, NewEntry } from './entry-requests.js';
import { withCredentials, withoutCredentials } from './kept-credentials.js';

/** An entry of the registry, as it is shown. */
export interface ShownEntry {
  readonly slug: string;
  /** Declared in the configuration file: it can only be changed there. */
  readonly managed: boolean;
  readonly version: number;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** False when this worker cannot serve it; `faults` say why. */
  readonly usable: boolean;
  readonly faults: readonly string[];
  /** In the words of the configuration file, with `[kept]` for credentials; null when those cannot be opened any more. */
  readonly entry: JsonObject | null;
}

/** Servers or virtual servers, as they are looked at and changed over HTTP. */
export class AdminEntries<Definition> {
  constructor(private readonly entries: RegistryEntries<Definition>) {}

  /** By slug; a page follows the slug that the cursor stands for. */
  async list(query: EntryQuery, isWanted: (entry: JsonObject) => boolean = () => true): Promise<Page<ShownEntry>> {
    const wanted = (await this.entries.list()).filter((entry) => fits(entry, query) && isWanted(entry.written ?? {}));
    const { items, ...rest } = pageOf(wanted, ({ slug }) => slug, query);
    return { items: items.map(shown), ...rest };
  }

  /** @throws EntryUnknown */
  async find(slug: string): Promise<ShownEntry> {
    return shown(await this.stored(slug));
  }

  /** What an entry would mean, without writing it. `[kept]` stands for what is stored of that slug. */
  async draft({ slug, entry }: NewEntry): Promise<Definition> {
    const stored = await this.entries.find(slug);
    return this.entries.draft(slug, withCredentials(entry, stored?.written));
  }

  async create({ slug, entry }: NewEntry): Promise<ShownEntry> {
    return shown(await this.entries.create(slug, withCredentials(entry, undefined)));
  }

  /** @throws HttpException 428 or 412 when `ifMatch` does not name the version that is there */
  async replace(slug: string, entry: JsonObject, ifMatch: string | undefined): Promise<ShownEntry> {
    const { written, version } = await this.stored(slug);
    demandMatch(ifMatch, version);
    return shown(await this.entries.replace(slug, withCredentials(entry, written), version));
  }

  async delete(slug: string, ifMatch: string | undefined): Promise<void> {
    const { version } = await this.stored(slug);
    demandMatch(ifMatch, version);
    await this.entries.delete(slug, version);
  }

  /** Changes some members and leaves the others. What is so already stays at its version. */
  async amend(slug: string, members: JsonObject): Promise<ShownEntry> {
    const stored = await this.stored(slug);
    const isSo = Object.entries(members).every(([name, value]) => stored.written?.[name] === value);
    if (isSo) return shown(stored);
    return shown(await this.entries.replace(slug, { ...stored.written, ...members }, stored.version));
  }

  private async stored(slug: string): Promise<RegistryEntry<Definition>> {
    const stored = await this.entries.find(slug);
    if (!stored) throw new EntryUnknown(slug);
    return stored;
  }
}

function shown<Definition>(stored: RegistryEntry<Definition>): ShownEntry {
  const { slug, managed, version, createdAt, updatedAt, written, definition, faults } = stored;
  return {
    slug,
    managed,
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    usable: definition !== undefined,
    faults: faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)),
    entry: written ? withoutCredentials(written) : null,
  };
}

function fits<Definition>({ slug, managed, written }: RegistryEntry<Definition>, query: EntryQuery): boolean {
  if (query.managed !== undefined && query.managed !== managed) return false;
  if (query.q === undefined) return true;
  const title = written?.['title'];
  return `${slug}\n${typeof title === 'string' ? title : ''}`.toLowerCase().includes(query.q.toLowerCase());
}
