import { BadRequestException } from '@nestjs/common';
import type { JsonObject } from '#lib/mcp-protocol';
import { EntryUnknown, type RegistryEntries, type RegistryEntry } from '../../registry/index.js';
import { demandMatch } from '../entity-tags.js';
import type { Page } from '../pages.js';
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
    const after = query.cursor === undefined ? '' : readCursor(query.cursor);
    const all = await this.entries.list();
    const wanted = all
      .filter((entry) => entry.slug > after && fits(entry, query) && isWanted(entry.written ?? {}))
      .toSorted((one, other) => (one.slug < other.slug ? -1 : 1));
    const items = wanted.slice(0, query.limit).map(shown);
    const last = items.at(-1);
    return { items, ...(last && wanted.length > items.length && { nextCursor: cursorAfter(last.slug) }) };
  }

  /** @throws EntryUnknown */
  async find(slug: string): Promise<ShownEntry> {
    return shown(await this.stored(slug));
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

const cursorAfter = (slug: string): string => Buffer.from(`after:${slug}`).toString('base64url');

function readCursor(cursor: string): string {
  const [, slug] = /^after:([\s\S]+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (slug === undefined) throw new BadRequestException('cursor must be the nextCursor of a page before.');
  return slug;
}
