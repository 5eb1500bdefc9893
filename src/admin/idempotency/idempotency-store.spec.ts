import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DATABASE_KINDS, type DatabaseHost } from '../../../test/support/databases.js';
import type { DataFolder } from '../../data-folder/index.js';
import { openDatabase, type Database, type DatabasePlace } from '../../database/index.js';
import { IdempotencyStore } from './idempotency-store.js';

const ANSWER = { headers: { etag: '"1"' }, body: { token: 'a-secret-text' } };
const folderOf = (...credentials: [Buffer]) => ({ secrets: { credentials } }) as unknown as DataFolder;

describe.each(DATABASE_KINDS)('answers that are kept, in $name,', ({ start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  let database: Database;
  let answers: IdempotencyStore;

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    place = await host.place();
    database = await openDatabase(place);
    answers = new IdempotencyStore(database, folderOf(randomBytes(32)));
  });

  afterEach(() => database.close());
  afterAll(() => host.stop());

  const startedBefore = (ms: number) =>
    host.run(place, `update idempotency_keys set started_at = '${new Date(Date.now() - ms).toISOString()}'`);

  it('are given again, and cannot be read in the database', async () => {
    expect(await answers.acquire('id', 'request')).toBe('new');
    expect(await answers.acquire('id', 'request')).toBe('running');
    await answers.complete('id', ANSWER);
    expect(await answers.acquire('id', 'request')).toEqual(ANSWER);
    expect(await answers.acquire('id', 'other')).toBe('other-request');
    expect(JSON.stringify(await host.run(place, 'select * from idempotency_keys'))).not.toContain('a-secret-text');
  });

  it('are not made up for a worker that died while it carried the request out', async () => {
    await answers.acquire('id', 'request');
    await startedBefore(61_000);
    expect(await answers.acquire('id', 'request')).toBe('unknown');
  });

  it('stay unknown where nobody could tell, and free the key where nothing was done', async () => {
    await answers.acquire('id', 'request');
    await answers.markUnknown('id');
    expect(await answers.acquire('id', 'request')).toBe('unknown');
    await answers.release('id');
    expect(await answers.acquire('id', 'request')).toBe('new');
  });

  it('are forgotten after a day, and unknown once the secret that sealed them is gone', async () => {
    await answers.acquire('id', 'request');
    await answers.complete('id', ANSWER);
    const elsewhere = new IdempotencyStore(database, folderOf(randomBytes(32)));
    expect(await elsewhere.acquire('id', 'request')).toBe('unknown');
    await startedBefore(25 * 3_600_000);
    expect(await answers.acquire('id', 'request')).toBe('new');
  });
});
