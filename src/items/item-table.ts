import { sql, type Kysely } from 'kysely';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  readBoolean,
  readInstant,
  readJson,
  writeJson,
  type Database,
  type StoredBoolean,
  type StoredInstant,
  type StoredJson,
} from '../database/index.js';
import { slugOfIdentity } from '../registry/index.js';
import type { Definition } from './definition.js';
import type { DefinedItem, ItemOverrides, ItemKind, KnownItem } from './item-record.js';
import type { RestoredItem } from './restoration.js';
import { findSuspicions } from './definition-scan.js';

/** The tables of migration 0006-items. */
type ItemTables = {
  items: {
    /** Identity of the server. */
    server: string;
    kind: ItemKind;
    name: string;
    approved: StoredJson;
    approved_digest: string;
    seen: StoredJson;
    seen_digest: string;
    flags: StoredJson;
    is_disabled: StoredBoolean;
    shown_name: string | null;
    shown_description: string | null;
    first_seen_at: StoredInstant;
    changed_at: StoredInstant;
  };
  item_state: { id: number; revision: number };
};

/** Identifies a stored item. */
export type StoredItemKey = Pick<KnownItem, 'identity' | 'kind' | 'name'>;

/** A definition that a server has just sent. */
export interface Observation {
  /** Identity of the server. */
  readonly identity: string;
  readonly kind: ItemKind;
  readonly name: string;
  readonly seen: Definition;
  /** The definition to pin if the item is not stored yet. It can be older than `seen`, which may change before the write. */
  readonly first: Definition;
  readonly flags: readonly string[];
}

const RECORD_COLUMNS = [
  'server',
  'kind',
  'name',
  'approved_digest',
  'seen_digest',
  'flags',
  'is_disabled',
  'shown_name',
  'shown_description',
  'first_seen_at',
  'changed_at',
] as const;

const MAX_ROWS_PER_INSERT = 100;

/** The table of items. Every method may throw DatabaseUnavailable. */
export class ItemTable {
  constructor(private readonly database: Database) {}

  /** A number that grows with each change of the table. */
  async revision(): Promise<number> {
    const { revision } = await this.tables.selectFrom('item_state').select('revision').executeTakeFirstOrThrow();
    return revision;
  }

  async readAll(): Promise<readonly KnownItem[]> {
    return (await this.tables.selectFrom('items').select(RECORD_COLUMNS).execute()).map(toKnownItem);
  }

  async find({ identity, kind, name }: StoredItemKey): Promise<DefinedItem | undefined> {
    const row = await this.tables
      .selectFrom('items')
      .selectAll()
      .where('server', '=', identity)
      .where('kind', '=', kind)
      .where('name', '=', name)
      .executeTakeFirst();
    return row && toDefinedItem(row);
  }

  /** Returns all items with their definitions. */
  async readDefinitions(): Promise<readonly DefinedItem[]> {
    return (await this.tables.selectFrom('items').selectAll().execute()).map(toDefinedItem);
  }

  /** Inserts new items as approved, and updates only the seen definition of stored ones. */
  async recordObservations(sightings: readonly Observation[], at: Date): Promise<void> {
    const rows = sightings.map(({ identity, kind, name, seen, first, flags }) => ({
      server: identity,
      kind,
      name,
      approved: writeJson(first.definition),
      approved_digest: first.digest,
      seen: writeJson(seen.definition),
      seen_digest: seen.digest,
      flags: writeJson([...flags]),
      is_disabled: false,
      shown_name: null,
      shown_description: null,
      first_seen_at: at,
      changed_at: at,
    }));
    await this.change((tables) =>
      tables
        .insertInto('items')
        .values(rows)
        .onConflict((conflict) =>
          conflict.columns(['server', 'kind', 'name']).doUpdateSet((was) => ({
            seen: was.ref('excluded.seen'),
            seen_digest: was.ref('excluded.seen_digest'),
            flags: was.ref('excluded.flags'),
            changed_at: was.ref('excluded.changed_at'),
          })),
        )
        .execute(),
    );
  }

  /** Returns false when another definition was observed meanwhile, or the item does not exist. */
  async approve({ identity, kind, name }: StoredItemKey, digest: string): Promise<boolean> {
    return this.change(async (tables) => {
      const { numUpdatedRows } = await tables
        .updateTable('items')
        .set((was) => ({ approved: was.ref('seen'), approved_digest: was.ref('seen_digest') }))
        .where('server', '=', identity)
        .where('kind', '=', kind)
        .where('name', '=', name)
        .where('seen_digest', '=', digest)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  async setOverrides({ identity, kind, name }: StoredItemKey, choice: ItemOverrides): Promise<void> {
    const { isDisabled, shownName, shownDescription } = choice;
    await this.change((tables) =>
      tables
        .updateTable('items')
        .set({
          is_disabled: isDisabled,
          shown_name: shownName ?? null,
          shown_description: shownDescription ?? null,
        })
        .where('server', '=', identity)
        .where('kind', '=', kind)
        .where('name', '=', name)
        .execute(),
    );
  }

  /** Deletes the items of a server. */
  async delete(identity: string): Promise<void> {
    await this.change((tables) => tables.deleteFrom('items').where('server', '=', identity).execute());
  }

  /** Writes approvals and overrides. Keeps the seen definitions of stored items (invariant 10). */
  async restore(items: readonly (RestoredItem & StoredItemKey)[]): Promise<void> {
    const rows = items.map(({ identity, kind, name, approved, seen, ...item }) => ({
      server: identity,
      kind,
      name,
      approved: writeJson(approved.definition),
      approved_digest: approved.digest,
      seen: writeJson(seen.definition),
      seen_digest: seen.digest,
      flags: writeJson([...findSuspicions(seen.definition)]),
      is_disabled: item.isDisabled,
      shown_name: item.shownName ?? null,
      shown_description: item.shownDescription ?? null,
      first_seen_at: item.firstSeenAt,
      changed_at: item.changedAt,
    }));
    await this.change(async (tables) => {
      for (let from = 0; from < rows.length; from += MAX_ROWS_PER_INSERT) {
        await tables
          .insertInto('items')
          .values(rows.slice(from, from + MAX_ROWS_PER_INSERT))
          .onConflict((conflict) =>
            conflict.columns(['server', 'kind', 'name']).doUpdateSet((was) => ({
              approved: was.ref('excluded.approved'),
              approved_digest: was.ref('excluded.approved_digest'),
              is_disabled: was.ref('excluded.is_disabled'),
              shown_name: was.ref('excluded.shown_name'),
              shown_description: was.ref('excluded.shown_description'),
            })),
          )
          .execute();
      }
    });
  }

  private get tables(): Kysely<ItemTables> {
    return this.database.tables<ItemTables>();
  }

  private change<R>(work: (tables: Kysely<ItemTables>) => Promise<R>): Promise<R> {
    return this.database.runExclusively<ItemTables, R>('items', async (tables) => {
      const result = await work(tables);
      await tables
        .updateTable('item_state')
        .set({ revision: sql<number>`revision + 1` })
        .execute();
      return result;
    });
  }
}

const toDefinedItem = (row: ItemRow & { readonly approved: string; readonly seen: string }): DefinedItem => ({
  ...toKnownItem(row),
  approved: readJson(row.approved) as JsonObject,
  seen: readJson(row.seen) as JsonObject,
});

type ItemRow = {
  server: string;
  kind: ItemKind;
  name: string;
  approved_digest: string;
  seen_digest: string;
  flags: string;
  is_disabled: boolean | number;
  shown_name: string | null;
  shown_description: string | null;
  first_seen_at: Date | string;
  changed_at: Date | string;
};

function toKnownItem(row: ItemRow): KnownItem {
  return {
    server: slugOfIdentity(row.server),
    identity: row.server,
    kind: row.kind,
    name: row.name,
    approvedDigest: row.approved_digest,
    seenDigest: row.seen_digest,
    flags: readJson(row.flags) as string[],
    isDisabled: readBoolean(row.is_disabled),
    ...(row.shown_name !== null && { shownName: row.shown_name }),
    ...(row.shown_description !== null && { shownDescription: row.shown_description }),
    firstSeenAt: readInstant(row.first_seen_at),
    changedAt: readInstant(row.changed_at),
  };
}
