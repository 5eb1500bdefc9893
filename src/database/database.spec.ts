import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Transaction } from 'kysely';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import {
  Database,
  readBoolean,
  readInstant,
  readJson,
  writeJson,
  type StoredBoolean,
  type StoredInstant,
  type StoredJson,
} from './index.js';
import { openDatabase } from './open-database.js';
import type { DatabasePlace } from './database.config.js';
import type { Migration } from './migration.js';

type Tables = {
  things: { id: number; is_good: StoredBoolean; made_at: StoredInstant; note: StoredJson };
};

const things: Migration = {
  name: '0001-things',
  async up(schema, column) {
    await schema.schema
      .createTable('things')
      .addColumn('id', 'integer', (id) => id.primaryKey())
      .addColumn('is_good', column.boolean)
      .addColumn('made_at', column.instant)
      .addColumn('note', column.json)
      .execute();
  },
};

describe.each(DATABASE_KINDS)('Database over $name', ({ start }) => {
  let host: DatabaseHost;
  const opened: Database[] = [];

  beforeAll(async () => {
    host = await start();
  });

  afterEach(() => Promise.all(opened.splice(0).map((database) => database.close())));
  afterAll(() => host.stop());

  async function open(place: DatabasePlace, migrations: readonly Migration[] = [things]): Promise<Database> {
    const database = await openDatabase(place, undefined, migrations);
    opened.push(database);
    return database;
  }

  const openOne = async () => open(await host.createDatabase());
  const thing = (id: number) => ({ id, is_good: true, made_at: new Date(0), note: '{}' });

  it('reads back stored booleans, instants and JSON with the order of its members', async () => {
    const tables = (await openOne()).tables<Tables>();
    const made_at = new Date('2001-02-03T04:05:06.007Z');
    const note = { z: ['ä ✓ \u0000 \ud800'], a: { '10': null, '9': 1.5 }, empty: '' };
    await tables
      .insertInto('things')
      .values([
        { id: 1, is_good: true, made_at, note: writeJson(note) },
        { ...thing(2), is_good: false },
      ])
      .execute();
    const rows = await tables.selectFrom('things').selectAll().where('is_good', '=', true).execute();
    expect(rows).toHaveLength(1);
    expect(readBoolean(rows[0]!.is_good)).toBe(true);
    expect(readInstant(rows[0]!.made_at)).toEqual(made_at);
    expect(JSON.stringify(readJson(rows[0]!.note))).toBe(JSON.stringify(note));
    const before = tables.selectFrom('things').select('id').where('made_at', '<', made_at);
    expect(await before.execute()).toEqual([{ id: 2 }]);
  });

  it('reports the number of changed and of deleted rows', async () => {
    const tables = (await openOne()).tables<Tables>();
    await tables
      .insertInto('things')
      .values([thing(1), thing(2)])
      .execute();
    const changed = await tables.updateTable('things').set({ is_good: false }).executeTakeFirstOrThrow();
    expect(changed.numUpdatedRows).toBe(2n);
    const deleted = await tables.deleteFrom('things').where('id', '=', 3).executeTakeFirstOrThrow();
    expect(deleted.numDeletedRows).toBe(0n);
  });

  it('serializes transactions of one name across connections', async () => {
    const place = await host.createDatabase();
    await open(place);
    // On a loaded machine thirty transactions in sequence exceed the timeouts that apply while a gateway runs.
    const connect = () => new Database(place, { connectMs: 60_000, statementMs: 60_000, responseMs: 60_000 });
    const databases = [connect(), connect(), connect()];
    opened.push(...databases);
    const add = async (transaction: Transaction<Tables>) => {
      const all = await transaction.selectFrom('things').select('id').execute();
      await transaction.insertInto('things').values(thing(all.length)).execute();
    };
    await Promise.all(
      Array.from({ length: 30 }, (_, index) => databases[index % 3]!.runExclusively<Tables, void>('things', add)),
    );
    const ids = await databases[0]!.tables<Tables>().selectFrom('things').select('id').orderBy('id').execute();
    expect(ids.map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, index) => index));
  });

  it('rolls back a failed transaction and serves later queries', async () => {
    const database = await openOne();
    const failing = database.runExclusively<Tables, void>('things', async (transaction) => {
      await transaction.insertInto('things').values(thing(1)).execute();
      throw new Error('a change of mind');
    });
    await expect(failing).rejects.toThrow('a change of mind');
    const broken = database.runExclusively<Tables, void>('things', async (transaction) => {
      await transaction
        .insertInto('things')
        .values([thing(1), thing(1)])
        .execute();
    });
    await expect(broken).rejects.toThrow(/unique/i);
    expect(await database.tables<Tables>().selectFrom('things').selectAll().execute()).toEqual([]);
  });

  describe('applying migrations', () => {
    const second = (up: Migration['up']): Migration => ({ name: '0002-more', up });

    it('applies each migration once when several processes start at the same time', async () => {
      let applied = 0;
      const more = second(async (schema) => {
        applied += 1;
        await schema.schema.createTable('more').addColumn('id', 'integer').execute();
      });
      const place = await host.createDatabase();
      await Promise.all(Array.from({ length: 8 }, () => open(place, [things, more])));
      expect(applied).toBe(1);
      expect(await host.run(place, 'select number, name from schema_migrations order by number')).toEqual([
        { number: 1, name: '0001-things' },
        { number: 2, name: '0002-more' },
      ]);
    });

    it('keeps the existing rows when a migration adds a column', async () => {
      const place = await host.createDatabase();
      await (await open(place)).tables<Tables>().insertInto('things').values(thing(1)).execute();
      const more = second((schema) => schema.schema.alterTable('things').addColumn('name', 'text').execute());
      await open(place, [things, more]);
      expect(await host.run(place, 'select id, name from things')).toEqual([{ id: 1, name: null }]);
    });

    it('rolls back a failed migration and applies it at the next start', async () => {
      const place = await host.createDatabase();
      const half = second(async (schema) => {
        await schema.schema.createTable('more').addColumn('id', 'integer').execute();
        throw new Error('half way');
      });
      await expect(open(place, [things, half])).rejects.toThrow(/cannot be used: half way\. /);
      const whole = second((schema) => schema.schema.createTable('more').addColumn('id', 'integer').execute());
      await open(place, [things, whole]);
      expect(await host.run(place, 'select * from more')).toEqual([]);
    });

    it('refuses a database that a newer version has migrated, and says what to do', async () => {
      const place = await host.createDatabase();
      await open(place, [things, second(async () => {})]);
      await expect(open(place, [things])).rejects.toThrow(
        /schema version 2.*up to 1.*newer version.*Start that version, or restore the backup/,
      );
    });
  });
});
