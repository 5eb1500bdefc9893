/** @waits */
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { ManualClock } from '#lib/testing/manual-clock';
import { startPostgres, type RunningPostgres } from '#lib/testing/postgres-server';
import { startFaultProxy } from '../../test/support/fault-proxy.js';
import { until } from '../../test/support/until.js';
import { Database } from './database.js';
import { DatabaseFault, DatabaseUnavailable } from './index.js';
import { openDatabase } from './open-database.js';

const query = (database: Database) => sql<{ one: number }>`select 1 as one`.execute(database.tables());
const isAvailable = (database: Database) =>
  query(database).then(
    ({ rows }) => rows[0]?.one === 1,
    () => false,
  );

beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

describe('Database over PostgreSQL', () => {
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
    'fails queries with DatabaseUnavailable while the server is down (%s) and recovers when it is back',
    async (how) => {
      expect(await isAvailable(database)).toBe(true);
      await postgres.end(how);
      await expect(query(database)).rejects.toThrow(DatabaseUnavailable);
      await postgres.restart();
      await until(() => isAvailable(database));
    },
  );

  it('fails and rolls back a transaction during which the server crashes', async () => {
    await sql`create table things (id int)`.execute(database.tables());
    const transaction = database.runExclusively('things', async (tables) => {
      await sql`insert into things values (1)`.execute(tables);
      await postgres.end('crash');
      await sql`insert into things values (2)`.execute(tables);
    });
    await expect(transaction).rejects.toThrow(DatabaseUnavailable);
    await postgres.restart();
    await until(() => isAvailable(database));
    expect(await postgres.query(url, 'select * from things')).toEqual([]);
  });

  it('treats a silent server as unavailable after the response timeout and discards its late response', async () => {
    const proxy = await startFaultProxy(`127.0.0.1:${postgres.port}`);
    const away = url.replace(String(postgres.port), String(proxy.port));
    const strict = new Database(
      { kind: 'postgres', url: away },
      { connectMs: scaleDeadline(3_000), statementMs: 0, responseMs: 100 },
    );
    try {
      await until(() => isAvailable(strict));
      proxy.blackhole('replies');
      await expect(query(strict)).rejects.toThrow(/is unavailable: It has not responded for 100 ms/);
      proxy.resume();
      await until(() => isAvailable(strict));
      const { rows } = await sql<{ two: number }>`select 2 as two`.execute(strict.tables());
      expect(rows).toEqual([{ two: 2 }]);
    } finally {
      await strict.close();
      await proxy.close();
    }
  });

  it('does not answer while the server is silent, which occupies one connection however often it is asked', async () => {
    const proxy = await startFaultProxy(`127.0.0.1:${postgres.port}`);
    const clock = new ManualClock();
    const silent = new Database(
      { kind: 'postgres', url: url.replace(String(postgres.port), String(proxy.port)) },
      undefined,
      clock,
    );
    try {
      expect(await silent.isAnswering(1_000)).toBe(true);
      proxy.blackhole('replies');
      const answers = Array.from({ length: 20 }, () => silent.isAnswering(1_000));
      await clock.advance(1_000);
      expect(new Set(await Promise.all(answers))).toEqual(new Set([false]));
      expect(proxy.connections).toBe(1);
      proxy.resume();
      await until(() => silent.isAnswering(1_000));
    } finally {
      await silent.close();
      await proxy.close();
    }
  });

  it('fails a statement that exceeds its timeout and serves the next one', async () => {
    const strict = new Database(
      { kind: 'postgres', url },
      { connectMs: scaleDeadline(3_000), statementMs: 50, responseMs: 20_000 },
    );
    await expect(sql`select pg_sleep(20)`.execute(strict.tables())).rejects.toThrow(DatabaseUnavailable);
    expect(await isAvailable(strict)).toBe(true);
    await strict.close();
  });

  it('waits for a server that is still starting', async () => {
    await postgres.end('in order');
    const opening = openDatabase({ kind: 'postgres', url });
    await postgres.restart();
    const later = await opening;
    expect(await isAvailable(later)).toBe(true);
    await later.close();
  });

  it('reports an unusable database at once, without its password', async () => {
    const other = url.replace(/isthmus_\d+$/, 'nowhere');
    const opening = openDatabase({ kind: 'postgres', url: other });
    await expect(opening).rejects.toThrow(DatabaseFault);
    await expect(opening).rejects.toThrow(
      /^The database 127\.0\.0\.1:\d+\/nowhere cannot be used: database "nowhere" does not exist\. Set ISTHMUS_DATABASE_URL/,
    );
    await expect(opening).rejects.not.toThrow('not-asked-for');
  });
});

describe('Database over SQLite', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'isthmus-sqlite-'));
    file = join(folder, 'isthmus.db');
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('creates the database and its companion files readable by their owner only', async () => {
    const database = await openDatabase({ kind: 'sqlite', file });
    expect(await isAvailable(database)).toBe(true);
    const names = await readdir(folder);
    expect(names.toSorted()).toEqual(['isthmus.db', 'isthmus.db-shm', 'isthmus.db-wal']);
    for (const name of names) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    await database.close();
  });

  it('waits for the lock of another process without blocking the event loop', async () => {
    const database = await openDatabase({ kind: 'sqlite', file });
    const other = new DatabaseSync(file);
    other.exec('begin immediate; create table things (id int)');
    let isDone = false;
    const writing = database
      .runExclusively('things', (tables) => sql`insert into things values (1)`.execute(tables))
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

  it('reads while another process holds the write lock', async () => {
    const database = await openDatabase({ kind: 'sqlite', file });
    const other = new DatabaseSync(file);
    other.exec('begin immediate; create table things (id int)');
    expect(await isAvailable(database)).toBe(true);
    other.close();
    await database.close();
  });

  it('refuses a file that is no database, and says what to do', async () => {
    await writeFile(file, 'no database at all, but long enough to be taken for one');
    await expect(openDatabase({ kind: 'sqlite', file })).rejects.toThrow(
      /^The database .*isthmus\.db cannot be used: .*file is not a database\. .*Restore it from a backup/,
    );
  });
});
