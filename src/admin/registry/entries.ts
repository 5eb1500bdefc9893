import type { JsonObject } from '#lib/mcp-protocol';
import { EntryUnknown, type RegistryEntries, type RegistryEntry } from '../../registry/index.js';
import { demandMatch } from '../entity-tags.js';
import { pageOf, type Page } from '../pages.js';
import type { EntryQuery, NewEntry } from './entry-requests.js';
import { withCredentials, withoutCredentials } from './kept-credentials.js';

/** An entry of the registry with masked credentials. */
export interface ShownEntry {
  readonly slug: string;
  /** True for an entry that the configuration file declares. It can be changed only there. */
  readonly managed: boolean;
  readonly version: number;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** False when this worker cannot use the entry; `faults` say why. */
  readonly usable: boolean;
  readonly faults: readonly string[];
  /** The source in the format of the configuration file, with `[kept]` for credentials. Null when these cannot be decrypted. */
  readonly entry: JsonObject | null;
}

/** Lists and changes the entries of one kind, with masked credentials and version checks. */
export class AdminEntries<Definition> {
  constructor(private readonly entries: RegistryEntries<Definition>) {}

  /** Lists entries by slug. */
  async list(query: EntryQuery, predicate: (entry: JsonObject) => boolean = () => true): Promise<Page<ShownEntry>> {
    const all = await this.entries.list();
    const matching = all.filter((entry) => matches(entry, query) && predicate(entry.written ?? {}));
    const { items, ...rest } = pageOf(matching, ({ slug }) => slug, query);
    return { items: items.map(toResponse), ...rest };
  }

  /** @throws EntryUnknown */
  async find(slug: string): Promise<ShownEntry> {
    return toResponse(await this.stored(slug));
  }

  /** Validates an entry without storing it. `[kept]` refers to the stored credentials of that slug. */
  async draft({ slug, entry }: NewEntry): Promise<Definition> {
    const stored = await this.entries.find(slug);
    return this.entries.draft(slug, withCredentials(entry, stored?.written));
  }

  async create({ slug, entry }: NewEntry): Promise<ShownEntry> {
    return toResponse(await this.entries.create(slug, withCredentials(entry, undefined)));
  }

  /** @throws HttpException 428 or 412 when `ifMatch` does not name the current version */
  async replace(slug: string, entry: JsonObject, ifMatch: string | undefined): Promise<ShownEntry> {
    const { written, version } = await this.stored(slug);
    demandMatch(ifMatch, version);
    return toResponse(await this.entries.replace(slug, withCredentials(entry, written), version));
  }

  async delete(slug: string, ifMatch: string | undefined): Promise<void> {
    const { version } = await this.stored(slug);
    demandMatch(ifMatch, version);
    await this.entries.delete(slug, version);
  }

  /** Changes some members of an entry. If they already have these values, the entry keeps its version. */
  async amend(slug: string, members: JsonObject): Promise<ShownEntry> {
    const stored = await this.stored(slug);
    const isUnchanged = Object.entries(members).every(([name, value]) => stored.written?.[name] === value);
    if (isUnchanged) return toResponse(stored);
    return toResponse(await this.entries.replace(slug, { ...stored.written, ...members }, stored.version));
  }

  private async stored(slug: string): Promise<RegistryEntry<Definition>> {
    const stored = await this.entries.find(slug);
    if (!stored) throw new EntryUnknown(slug);
    return stored;
  }
}

function toResponse<Definition>(stored: RegistryEntry<Definition>): ShownEntry {
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

function matches<Definition>({ slug, managed, written }: RegistryEntry<Definition>, query: EntryQuery): boolean {
  if (query.managed !== undefined && query.managed !== managed) return false;
  if (query.q === undefined) return true;
  const title = written?.['title'];
  return `${slug}\n${typeof title === 'string' ? title : ''}`.toLowerCase().includes(query.q.toLowerCase());
}
