import type { JsonObject } from '#lib/mcp-protocol';
import { EntryUnknown, type RegistryEntries, type RegistryEntry } from '../../registry/index.js';
import { requireMatch } from '../entity-tags.js';
import { paginate, type Page } from '../pages.js';
import type { EntryQuery, NewEntry } from './entry-requests.js';
import { restoreCredentials, maskCredentials } from './credential-placeholders.js';

/** An entry of the registry with masked credentials. */
export interface EntryResponse {
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
  /** What refers to a secret, such as `server weather`. Absent for other kinds. */
  readonly usedBy?: readonly string[];
}

/** Lists and changes the entries of one kind, with masked credentials and version checks. */
export class AdminEntries<Definition> {
  constructor(private readonly entries: RegistryEntries<Definition>) {}

  /** Lists entries by slug. */
  async list(query: EntryQuery, predicate: (entry: JsonObject) => boolean = () => true): Promise<Page<EntryResponse>> {
    const all = await this.entries.list();
    const matching = all.filter((entry) => matches(entry, query) && predicate(entry.source ?? {}));
    const { items, ...rest } = paginate(matching, ({ slug }) => slug, query);
    return { items: items.map(toResponse), ...rest };
  }

  /** @throws EntryUnknown */
  async find(slug: string): Promise<EntryResponse> {
    return toResponse(await this.requireEntry(slug));
  }

  /** Validates an entry without storing it. `[kept]` refers to the stored credentials of that slug. */
  async validate({ slug, entry }: NewEntry): Promise<Definition> {
    const stored = await this.entries.find(slug);
    return this.entries.validate(slug, restoreCredentials(entry, stored?.source));
  }

  async create({ slug, entry }: NewEntry): Promise<EntryResponse> {
    return toResponse(await this.entries.create(slug, restoreCredentials(entry, undefined)));
  }

  /** @throws HttpException 428 or 412 when `ifMatch` does not name the current version */
  async replace(slug: string, entry: JsonObject, ifMatch: string | undefined): Promise<EntryResponse> {
    const { source, version } = await this.requireEntry(slug);
    requireMatch(ifMatch, version);
    return toResponse(await this.entries.replace(slug, restoreCredentials(entry, source), version));
  }

  async delete(slug: string, ifMatch: string | undefined): Promise<void> {
    const { version } = await this.requireEntry(slug);
    requireMatch(ifMatch, version);
    await this.entries.delete(slug, version);
  }

  /** Changes some members of an entry. If they already have these values, the entry keeps its version. */
  async patch(slug: string, members: JsonObject): Promise<EntryResponse> {
    const stored = await this.requireEntry(slug);
    const isUnchanged = Object.entries(members).every(([name, value]) => stored.source?.[name] === value);
    if (isUnchanged) return toResponse(stored);
    return toResponse(await this.entries.replace(slug, { ...stored.source, ...members }, stored.version));
  }

  private async requireEntry(slug: string): Promise<RegistryEntry<Definition>> {
    const stored = await this.entries.find(slug);
    if (!stored) throw new EntryUnknown(slug);
    return stored;
  }
}

function toResponse<Definition>(stored: RegistryEntry<Definition>): EntryResponse {
  const { slug, managed, version, createdAt, updatedAt, source, definition, faults, usedBy } = stored;
  return {
    slug,
    managed,
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    usable: definition !== undefined,
    faults: faults.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)),
    ...(usedBy && { usedBy }),
    entry: source ? maskCredentials(source) : null,
  };
}

function matches<Definition>({ slug, managed, source }: RegistryEntry<Definition>, query: EntryQuery): boolean {
  if (query.managed !== undefined && query.managed !== managed) return false;
  if (query.q === undefined) return true;
  const title = source?.['title'];
  return `${slug}\n${typeof title === 'string' ? title : ''}`.toLowerCase().includes(query.q.toLowerCase());
}
