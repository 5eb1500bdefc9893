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
import { ShownNameTaken } from './shown-name-taken.js';

/** The tables of migrations 0006-items and 0010-item-revisions. */
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
    revision: number;
  };
  item_state: { id: number; revision: number; row_revisions: number };
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

/** The table as it was read last. */
interface TableCopy {
  readonly revision: number;
  /** Number of changes that are not recorded in the rows. */
  readonly unrecorded: number;
  readonly items: ReadonlyMap<string, KnownItem>;
}

/** The table of items. Every method may throw DatabaseUnavailable. */
export class ItemTable {
  private copy: TableCopy | undefined;

  constructor(private readonly database: Database) {}

  /** A number that grows with each change of the table. */
  async revision(): Promise<number> {
    const { revision } = await this.tables.selectFrom('item_state').select('revision').executeTakeFirstOrThrow();
    return revision;
  }

  /** Returns all items. Reads those that changed since the last call, and all of them only if that is not enough. */
  async readAll(): Promise<readonly KnownItem[]> {
    const state = await this.tables
      .selectFrom('item_state')
      .select(['revision', 'row_revisions'])
      .executeTakeFirstOrThrow();
    const { revision } = state;
    const unrecorded = revision - state.row_revisions;
    const items = (await this.readChanges(unrecorded)) ?? toItemMap(await this.selectRecords().execute());
    this.copy = { revision, unrecorded, items };
    return [...items.values()];
  }

  /** Returns undefined when the changed rows and the previous items do not make up the table. */
  private async readChanges(unrecorded: number): Promise<ReadonlyMap<string, KnownItem> | undefined> {
    const { copy } = this;
    // A worker of an earlier version does not record which rows it changes.
    if (copy?.unrecorded !== unrecorded) return undefined;
    const changed = await this.selectRecords().where('revision', '>', copy.revision).execute();
    const { count } = await this.tables
      .selectFrom('items')
      .select(({ fn }) => fn.countAll<number | string>().as('count'))
      .executeTakeFirstOrThrow();
    const items = new Map([...copy.items, ...toItemMap(changed)]);
    // Every stored item is among these, so more items than rows mean that rows were deleted.
    return items.size === Number(count) ? items : undefined;
  }

  private selectRecords() {
    return this.tables.selectFrom('items').select(RECORD_COLUMNS);
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
    await this.change((tables, revision) =>
      tables
        .insertInto('items')
        .values(rows.map((row) => ({ ...row, revision })))
        .onConflict((conflict) =>
          conflict.columns(['server', 'kind', 'name']).doUpdateSet((was) => ({
            seen: was.ref('excluded.seen'),
            seen_digest: was.ref('excluded.seen_digest'),
            flags: was.ref('excluded.flags'),
            changed_at: was.ref('excluded.changed_at'),
            revision: was.ref('excluded.revision'),
          })),
        )
        .execute(),
    );
  }

  /** Returns false when another definition was observed meanwhile, or the item does not exist. */
  async approve({ identity, kind, name }: StoredItemKey, digest: string): Promise<boolean> {
    return this.change(async (tables, revision) => {
      const { numUpdatedRows } = await tables
        .updateTable('items')
        .set((was) => ({ approved: was.ref('seen'), approved_digest: was.ref('seen_digest'), revision }))
        .where('server', '=', identity)
        .where('kind', '=', kind)
        .where('name', '=', name)
        .where('seen_digest', '=', digest)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  /**
   * Sets the overrides that `decide` returns for the stored item, which nothing else changes meanwhile. Undefined: there is no such
   * item.
   * @throws ShownNameTaken, and what `decide` throws, after which nothing has changed
   */
  async setOverrides(
    { identity, kind, name }: StoredItemKey,
    decide: (stored: KnownItem) => ItemOverrides,
  ): Promise<DefinedItem | undefined> {
    return this.change(async (tables, revision) => {
      const items = tables.selectFrom('items').where('server', '=', identity).where('kind', '=', kind);
      const stored = await items.where('name', '=', name).selectAll().executeTakeFirst();
      if (!stored) return undefined;
      const { isDisabled, shownName, shownDescription } = decide(toKnownItem(stored));
      const shown = shownName ?? name;
      // A server may list the name later: switching the renamed item off must stay possible.
      if (shown !== (stored.shown_name ?? name)) {
        const others = items.where('name', '!=', name).select('name');
        const found = others.where((is) => is.or([is('name', '=', shown), is('shown_name', '=', shown)]));
        if (await found.executeTakeFirst()) throw new ShownNameTaken();
      }
      const overrides = {
        is_disabled: isDisabled,
        shown_name: shownName ?? null,
        shown_description: shownDescription ?? null,
      };
      await tables
        .updateTable('items')
        .set({ ...overrides, revision })
        .where('server', '=', identity)
        .where('kind', '=', kind)
        .where('name', '=', name)
        .execute();
      return toDefinedItem({ ...stored, ...overrides });
    });
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
    await this.change(async (tables, revision) => {
      for (let from = 0; from < rows.length; from += MAX_ROWS_PER_INSERT) {
        await tables
          .insertInto('items')
          .values(rows.slice(from, from + MAX_ROWS_PER_INSERT).map((row) => ({ ...row, revision })))
          .onConflict((conflict) =>
            conflict.columns(['server', 'kind', 'name']).doUpdateSet((was) => ({
              approved: was.ref('excluded.approved'),
              approved_digest: was.ref('excluded.approved_digest'),
              is_disabled: was.ref('excluded.is_disabled'),
              shown_name: was.ref('excluded.shown_name'),
              shown_description: was.ref('excluded.shown_description'),
              revision: was.ref('excluded.revision'),
            })),
          )
          .execute();
      }
    });
  }

  private get tables(): Kysely<ItemTables> {
    return this.database.tables<ItemTables>();
  }

  /** `work` sets the revision of each row that it inserts or updates. Deleted rows need none. */
  private change<R>(work: (tables: Kysely<ItemTables>, revision: number) => Promise<R>): Promise<R> {
    return this.database.runExclusively<ItemTables, R>('items', async (tables) => {
      await tables
        .updateTable('item_state')
        .set({ revision: sql<number>`revision + 1`, row_revisions: sql<number>`row_revisions + 1` })
        .execute();
      const { revision } = await tables.selectFrom('item_state').select('revision').executeTakeFirstOrThrow();
      return work(tables, revision);
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

const toItemMap = (rows: readonly ItemRow[]): ReadonlyMap<string, KnownItem> =>
  new Map(rows.map((row) => [JSON.stringify([row.server, row.kind, row.name]), toKnownItem(row)]));

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
