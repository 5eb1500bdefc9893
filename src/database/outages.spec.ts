import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startPostgres, type RunningPostgres } from '#lib/testing/postgres-server';
import { startFaultProxy } from '../../test/support/fault-proxy.js';
import { until } from '../../test/support/until.js';
import { Database } from './database.js';
import { DatabaseFault, DatabaseUnavailable, openDatabase } from './index.js';

const ask = (database: Database) => sql<{ one: number }>`select 1 as one`.execute(database.tables());
const answers = (database: Database) =>
  ask(database).then(
    ({ rows }) => rows[0]?.one === 1,
    () => false,
  );

beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

describe('a PostgreSQL', () => {
  let postgres: RunningPostgres;
  let url: string;
  let database: Database;

  beforeAll(async () => {
    postgres = await startPostgres();
  });

  beforeEach(async () => {
    url = await postgres.createDatabase();
    database = await openDatabase({ kind: 'postgres', url });
  });

  afterEach(() => database.close());
  afterAll(() => postgres.stop());

  it.each(['in order', 'crash'] as const)(
    'that ends (%s) fails what is asked, and answers when it is back',
    async (how) => {
      expect(await answers(database)).toBe(true);
      await postgres.end(how);
      await expect(ask(database)).rejects.toThrow(DatabaseUnavailable);
      await postgres.restart();
      await until(() => answers(database));
    },
  );

  it('that ends in the middle of a transaction fails it, and nothing of it has happened', async () => {
    await sql`create table things (id int)`.execute(database.tables());
    const transaction = database.exclusively('things', async (tables) => {
      await sql`insert into things values (1)`.execute(tables);
      await postgres.end('crash');
      await sql`insert into things values (2)`.execute(tables);
    });
    await expect(transaction).rejects.toThrow(DatabaseUnavailable);
    await postgres.restart();
    await until(() => answers(database));
    expect(await postgres.query(url, 'select * from things')).toEqual([]);
  });

  it('that says nothing counts as gone in time, and what it says too late is nobody’s answer', async () => {
    const proxy = await startFaultProxy(`127.0.0.1:${postgres.port}`);
    const away = url.replace(String(postgres.port), String(proxy.port));
    const impatient = new Database(
      { kind: 'postgres', url: away },
      { connectMs: scaleDeadline(3_000), statementMs: 0, answerMs: 100 },
    );
    try {
      await until(() => answers(impatient));
      proxy.blackhole('replies');
      await expect(ask(impatient)).rejects.toThrow(/cannot be asked now: It has not answered for 100 ms/);
      proxy.resume();
      await until(() => answers(impatient));
      const { rows } = await sql<{ two: number }>`select 2 as two`.execute(impatient.tables());
      expect(rows).toEqual([{ two: 2 }]);
    } finally {
      await impatient.close();
      await proxy.close();
    }
  });

  it('gives up a statement that takes too long', async () => {
    const impatient = new Database(
      { kind: 'postgres', url },
      { connectMs: scaleDeadline(3_000), statementMs: 50, answerMs: 20_000 },
    );
    await expect(sql`select pg_sleep(20)`.execute(impatient.tables())).rejects.toThrow(DatabaseUnavailable);
    expect(await answers(impatient)).toBe(true);
    await impatient.close();
  });

  it('that is still starting is waited for', async () => {
    await postgres.end('in order');
    const opening = openDatabase({ kind: 'postgres', url });
    await postgres.restart();
    const later = await opening;
    expect(await answers(later)).toBe(true);
    await later.close();
  });

  it('that will not do is refused at once, without its password', async () => {
    const other = url.replace(/isthmus_\d+$/, 'nowhere');
    const opening = openDatabase({ kind: 'postgres', url: other });
    await expect(opening).rejects.toThrow(DatabaseFault);
    await expect(opening).rejects.toThrow(
      /^The database 127\.0\.0\.1:\d+\/nowhere cannot be used: database "nowhere" does not exist\. Set ISTHMUS_DATABASE_URL/,
    );
    await expect(opening).rejects.not.toThrow('not-asked-for');
  });
});

describe('a SQLite file', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'isthmus-sqlite-'));
    file = join(folder, 'isthmus.db');
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('can be read by its owner only, and so can what lies beside it', async () => {
    const database = await openDatabase({ kind: 'sqlite', file });
    expect(await answers(database)).toBe(true);
    const names = await readdir(folder);
    expect(names.toSorted()).toEqual(['isthmus.db', 'isthmus.db-shm', 'isthmus.db-wal']);
    for (const name of names) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    await database.close();
  });

  it('that another process writes to is waited for, and this process goes on meanwhile', async () => {
    const database = await openDatabase({ kind: 'sqlite', file });
    const other = new DatabaseSync(file);
    other.exec('begin immediate; create table things (id int)');
    let isDone = false;
    const writing = database
      .exclusively('things', (tables) => sql`insert into things values (1)`.execute(tables))
      .then(() => (isDone = true));
    const turns = 20;
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(isDone).toBe(false);
    other.exec('commit');
    await writing;
    expect(other.prepare('select id from things').all()).toEqual([expect.objectContaining({ id: 1 })]);
    other.close();
    await database.close();
  });

  it('is read although another process is writing to it', async () => {
    const database = await openDatabase({ kind: 'sqlite', file });
    const other = new DatabaseSync(file);
    other.exec('begin immediate; create table things (id int)');
    expect(await answers(database)).toBe(true);
    other.close();
    await database.close();
  });

  it('that is none is refused in a sentence', async () => {
    await writeFile(file, 'no database at all, but long enough to be taken for one');
    await expect(openDatabase({ kind: 'sqlite', file })).rejects.toThrow(
      /^The database .*isthmus\.db cannot be used: .*file is not a database\. .*restore it from a backup/,
    );
  });
});
