import type { JsonObject } from '#lib/mcp-protocol';
import {
  EntryUnknown,
  VersionMismatch,
  type Fault,
  type RegistryEntries,
  type RegistryEntry,
} from '../../registry/index.js';
import { ANY_VERSION, isAnyVersion, requireIfMatch, requireMatch } from '../entity-tags.js';
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
  /** References to servers and teams that do not exist. The entry is in force, but this part of it has no effect. */
  readonly warnings: readonly string[];
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
  replace(slug: string, entry: JsonObject, ifMatch: string | undefined): Promise<EntryResponse> {
    return this.change(slug, requireIfMatch(ifMatch), async ({ source, version }) =>
      toResponse(await this.entries.replace(slug, restoreCredentials(entry, source), version)),
    );
  }

  delete(slug: string, ifMatch: string | undefined): Promise<void> {
    return this.change(slug, requireIfMatch(ifMatch), ({ version }) => this.entries.delete(slug, version));
  }

  /**
   * Changes some members of an entry. If they already have these values, the entry keeps its version. Such a change is
   * complete by itself, so without `ifMatch` it applies to any version.
   */
  patch(slug: string, members: JsonObject, ifMatch: string | undefined): Promise<EntryResponse> {
    return this.change(slug, ifMatch ?? ANY_VERSION, async (stored) => {
      const isUnchanged = Object.entries(members).every(([name, value]) => stored.source?.[name] === value);
      if (isUnchanged) return toResponse(stored);
      return toResponse(await this.entries.replace(slug, { ...stored.source, ...members }, stored.version));
    });
  }

  /**
   * Changes the current version of an entry. A change of any version is repeated with the latest version when another change
   * came first, because nothing that its caller has read is overwritten.
   */
  private async change<R>(
    slug: string,
    ifMatch: string,
    write: (stored: RegistryEntry<Definition>) => Promise<R>,
  ): Promise<R> {
    for (;;) {
      const stored = await this.requireEntry(slug);
      requireMatch(ifMatch, stored.version);
      try {
        return await write(stored);
      } catch (cause) {
        if (!(cause instanceof VersionMismatch) || !isAnyVersion(ifMatch)) throw cause;
      }
    }
  }

  private async requireEntry(slug: string): Promise<RegistryEntry<Definition>> {
    const stored = await this.entries.find(slug);
    if (!stored) throw new EntryUnknown(slug);
    return stored;
  }
}

function toResponse<Definition>(stored: RegistryEntry<Definition>): EntryResponse {
  const { slug, managed, version, createdAt, updatedAt, source, definition, faults, warnings, usedBy } = stored;
  return {
    slug,
    managed,
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    usable: definition !== undefined && faults.length === 0,
    faults: faults.map(toText),
    warnings: warnings.map(toText),
    ...(usedBy && { usedBy }),
    entry: source ? maskCredentials(source) : null,
  };
}

const toText = ({ path, message }: Fault): string => (path === '' ? message : `${path}: ${message}`);

function matches<Definition>({ slug, managed, source }: RegistryEntry<Definition>, query: EntryQuery): boolean {
  if (query.managed !== undefined && query.managed !== managed) return false;
  if (query.q === undefined) return true;
  const title = source?.['title'];
  return `${slug}\n${typeof title === 'string' ? title : ''}`.toLowerCase().includes(query.q.toLowerCase());
}
