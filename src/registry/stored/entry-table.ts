import { sql, type Kysely } from 'kysely';
import { canonicalJson, isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { readBoolean, readInstant, readJson, writeJson, type Database } from '../../database/index.js';
import { createIdentity } from '../server-identity.js';
import { keyOf, type EntryKind, type StoredEntry } from './entry.js';
import type { EntryCipher } from './entry-cipher.js';
import type { RegistryTables } from './registry-tables.js';

/** `revision` increases with every change. `declaration` is the digest of the last declared configuration file. */
export interface RegistryState {
  readonly revision: number;
  readonly declaration: string | undefined;
}

/** The columns of an entry that a change sets. */
export interface EntryDraft {
  readonly kind: EntryKind;
  readonly slug: string;
  readonly source: JsonObject;
  readonly isManaged: boolean;
  readonly position?: number;
}

/** A decrypted source with the column values that it was decrypted from. */
interface DecryptedRow {
  readonly entry: string;
  readonly sealed: string | null;
  readonly source: JsonObject | undefined;
}

/** Repository of registry entries. */
export class EntryTable {
  /** Cache of decrypted rows. The source of an unchanged row keeps its identity and is not decrypted again. */
  private decryptedRows = new Map<string, DecryptedRow>();

  constructor(
    private readonly database: Database,
    private readonly cipher: EntryCipher,
    private readonly clock: Clock,
  ) {}

  /** Runs a change of entries in a transaction. Changes are serialized across all processes and hosts. */
  runExclusively<R>(work: (tables: Kysely<RegistryTables>) => Promise<R>): Promise<R> {
    return this.database.runExclusively<RegistryTables, R>('registry', work);
  }

  get tables(): Kysely<RegistryTables> {
    return this.database.tables<RegistryTables>();
  }

  async readState(tables = this.tables): Promise<RegistryState> {
    const columns = ['revision', 'declaration'] as const;
    const { revision, declaration } = await tables
      .selectFrom('registry_state')
      .select(columns)
      .executeTakeFirstOrThrow();
    return { revision, declaration: declaration ?? undefined };
  }

  /** Returns the managed entries in the order of the file, then the others by slug. */
  async readEntries(tables = this.tables): Promise<readonly StoredEntry[]> {
    const rows = await tables.selectFrom('registry_entries').selectAll().execute();
    const before = this.decryptedRows;
    this.decryptedRows = new Map(rows.map((row) => [row.slug, this.decryptOnce(row, before.get(row.slug))]));
    const entries = rows.map((row): StoredEntry => ({
      kind: row.kind,
      slug: row.slug.slice(row.slug.indexOf(':') + 1),
      source: this.decryptedRows.get(row.slug)?.source,
      isManaged: readBoolean(row.is_managed),
      ...(row.position !== null && { position: row.position }),
      version: row.version,
      refreshes: row.refreshes,
      ...(row.identity !== null && { identity: row.identity }),
      createdAt: readInstant(row.created_at),
      updatedAt: readInstant(row.updated_at),
    }));
    return entries.toSorted(byPosition);
  }

  async insert(tables: Kysely<RegistryTables>, draft: EntryDraft): Promise<void> {
    const now = new Date(this.clock.now());
    const row = {
      ...this.toRow(draft),
      identity: draft.kind === 'server' && !draft.isManaged ? createIdentity(draft.slug) : null,
      version: await nextVersion(tables),
      created_at: now,
      updated_at: now,
    };
    await tables.insertInto('registry_entries').values(row).execute();
  }

  async update(tables: Kysely<RegistryTables>, draft: EntryDraft): Promise<void> {
    const row = { ...this.toRow(draft), version: await nextVersion(tables), updated_at: new Date(this.clock.now()) };
    await tables.updateTable('registry_entries').set(row).where('slug', '=', row.slug).execute();
  }

  /** Returns false when there is no such server. */
  async incrementRefreshes(slug: string): Promise<boolean> {
    return await this.runExclusively(async (tables) => {
      const { numUpdatedRows } = await tables
        .updateTable('registry_entries')
        .set({ refreshes: sql<number>`refreshes + 1` })
        .where('slug', '=', slug)
        .where('kind', '=', 'server')
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  async delete(tables: Kysely<RegistryTables>, entry: Pick<EntryDraft, 'kind' | 'slug'>): Promise<void> {
    await tables.deleteFrom('registry_entries').where('slug', '=', keyOf(entry)).execute();
  }

  /** Encrypts credentials in clear, and those of older secrets, with the current one. Versions and definitions stay the same. */
  async reencryptCredentials(): Promise<void> {
    await this.runExclusively(async (tables) => {
      const rows = await tables.selectFrom('registry_entries').select(['slug', 'entry', 'sealed']).execute();
      for (const { slug, entry: text, sealed } of rows) {
        const entry = parseObject(text);
        const reencrypted = entry && this.cipher.reencrypt(slug, { entry, sealed });
        if (reencrypted === undefined) continue;
        const row = { entry: writeJson(reencrypted.entry), sealed: reencrypted.sealed };
        await tables.updateTable('registry_entries').set(row).where('slug', '=', slug).execute();
      }
    });
  }

  async setDeclaration(tables: Kysely<RegistryTables>, declaration: string): Promise<void> {
    await tables.updateTable('registry_state').set({ declaration }).execute();
  }

  private toRow({ kind, slug, source, isManaged, position }: EntryDraft) {
    const key = keyOf({ kind, slug });
    const { entry, sealed } = this.cipher.encrypt(key, source);
    return { slug: key, kind, entry: writeJson(entry), sealed, is_managed: isManaged, position: position ?? null };
  }

  private decryptOnce(
    row: { slug: string; entry: string; sealed: string | null },
    before: DecryptedRow | undefined,
  ): DecryptedRow {
    const { slug, entry, sealed } = row;
    if (before?.entry === entry && before.sealed === sealed) return before;
    const source = this.decrypt(slug, entry, sealed);
    const isSame = source && before?.source && canonicalJson(source) === canonicalJson(before.source);
    return { entry, sealed, source: isSame ? before.source : source };
  }

  private decrypt(slug: string, text: string, sealed: string | null): JsonObject | undefined {
    const entry = parseObject(text);
    return entry && this.cipher.decrypt(slug, { entry, sealed });
  }
}

/** Sorts in code, because databases order text differently. */
function byPosition(one: StoredEntry, other: StoredEntry): number {
  const difference = (one.position ?? Infinity) - (other.position ?? Infinity);
  // For two unmanaged entries the difference is NaN, so their slugs decide.
  return difference || (one.slug < other.slug ? -1 : 1);
}

/** Undefined when a manual change left a value that is no JSON object. */
function parseObject(text: string): JsonObject | undefined {
  try {
    const value = readJson(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the revision that this change produces, which no entry has used as its version before, not even a deleted one. */
async function nextVersion(tables: Kysely<RegistryTables>): Promise<number> {
  const next = sql<number>`revision + 1`.as('next');
  return (await tables.selectFrom('registry_state').select(next).executeTakeFirstOrThrow()).next;
}
