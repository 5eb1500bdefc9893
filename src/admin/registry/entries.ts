import type { JsonObject } from '#lib/mcp-protocol';
import { EntryUnknown, type RegistryEntries, type RegistryEntry } from '../../registry/index.js';
import { requireMatch } from '../entity-tags.js';
import { paginate, type Page } from '../pages.js';
import type { EntryQuery, NewEntry } from './entry-requests.js';
import { restoreCredentials, maskCredentials } from './credential-placeholders.js';

/** An entry of the registry, as it is shown. */
export interface EntryResponse {
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
  async list(query: EntryQuery, isWanted: (entry: JsonObject) => boolean = () => true): Promise<Page<EntryResponse>> {
    const wanted = (await this.entries.list()).filter((entry) => fits(entry, query) && isWanted(entry.source ?? {}));
    const { items, ...rest } = paginate(wanted, ({ slug }) => slug, query);
    return { items: items.map(shown), ...rest };
  }

  /** @throws EntryUnknown */
  async find(slug: string): Promise<EntryResponse> {
    return shown(await this.requireEntry(slug));
  }

  /** What an entry would mean, without writing it. `[kept]` stands for what is stored of that slug. */
  async validate({ slug, entry }: NewEntry): Promise<Definition> {
    const stored = await this.entries.find(slug);
    return this.entries.validate(slug, restoreCredentials(entry, stored?.source));
  }

  async create({ slug, entry }: NewEntry): Promise<EntryResponse> {
    return shown(await this.entries.create(slug, restoreCredentials(entry, undefined)));
  }

  /** @throws HttpException 428 or 412 when `ifMatch` does not name the version that is there */
  async replace(slug: string, entry: JsonObject, ifMatch: string | undefined): Promise<EntryResponse> {
    const { source, version } = await this.requireEntry(slug);
    requireMatch(ifMatch, version);
    return shown(await this.entries.replace(slug, restoreCredentials(entry, source), version));
  }

  async delete(slug: string, ifMatch: string | undefined): Promise<void> {
    const { version } = await this.requireEntry(slug);
    requireMatch(ifMatch, version);
    await this.entries.delete(slug, version);
  }

  /** Changes some members and leaves the others. What is so already stays at its version. */
  async patch(slug: string, members: JsonObject): Promise<EntryResponse> {
    const stored = await this.requireEntry(slug);
    const isSo = Object.entries(members).every(([name, value]) => stored.source?.[name] === value);
    if (isSo) return shown(stored);
    return shown(await this.entries.replace(slug, { ...stored.source, ...members }, stored.version));
  }

  private async requireEntry(slug: string): Promise<RegistryEntry<Definition>> {
    const stored = await this.entries.find(slug);
    if (!stored) throw new EntryUnknown(slug);
    return stored;
  }
}

function shown<Definition>(stored: RegistryEntry<Definition>): EntryResponse {
  const { slug, managed, version, createdAt, updatedAt, source, definition, faults } = stored;
  return {
    slug,
    managed,
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    usable: definition !== undefined,
    faults: faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)),
    entry: source ? maskCredentials(source) : null,
  };
}

function fits<Definition>({ slug, managed, source }: RegistryEntry<Definition>, query: EntryQuery): boolean {
  if (query.managed !== undefined && query.managed !== managed) return false;
  if (query.q === undefined) return true;
  const title = source?.['title'];
  return `${slug}\n${typeof title === 'string' ? title : ''}`.toLowerCase().includes(query.q.toLowerCase());
}
