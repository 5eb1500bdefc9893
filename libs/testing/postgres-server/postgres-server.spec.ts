import { afterEach, describe, expect, it } from '@jest/globals';
import { startPostgres, type RunningPostgres } from './index.js';

describe('a PostgreSQL server for tests', () => {
  const started: RunningPostgres[] = [];

  const start = async () => {
    const postgres = await startPostgres();
    started.push(postgres);
    return postgres;
  };

  afterEach(() => Promise.all(started.splice(0).map((postgres) => postgres.stop())));

  it('listens on its own port as soon as it has started and creates empty databases', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    expect(one.port).not.toBe(other.port);
    const [first, second] = [await one.createDatabase(), await one.createDatabase()];
    await one.query(first, 'create table things (id int)');
    expect(await one.query(second, `select to_regclass('things') as things`)).toEqual([{ things: null }]);
  });

  it.each(['in order', 'crash'] as const)('keeps committed rows over a restart (end: %s)', async (how) => {
    const postgres = await start();
    const url = await postgres.createDatabase();
    await postgres.query(url, 'create table things as select 7 as id');
    await postgres.end(how);
    await expect(postgres.query(url, 'select 1')).rejects.toThrow('ECONNREFUSED');
    await postgres.restart();
    expect(await postgres.query(url, 'select id from things')).toEqual([{ id: 7 }]);
  });
});
