import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DATABASE_KINDS, type DatabaseHost } from '../../../test/support/databases.js';
import type { DataFolder } from '../../data-folder/index.js';
import { openDatabase, type Database, type DatabasePlace } from '../../database/index.js';
import { KeptAnswers } from './kept-answers.js';

const ANSWER = { headers: { etag: '"1"' }, body: { token: 'a-secret-text' } };
const folderOf = (...credentials: [Buffer]) => ({ secrets: { credentials } }) as unknown as DataFolder;

describe.each(DATABASE_KINDS)('answers that are kept, in $name,', ({ start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  let database: Database;
  let answers: KeptAnswers;

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    place = await host.place();
    database = await openDatabase(place);
    answers = new KeptAnswers(database, folderOf(randomBytes(32)));
  });

  afterEach(() => database.close());
  afterAll(() => host.stop());

  const startedBefore = (ms: number) =>
    host.run(place, `update idempotency_keys set started_at = '${new Date(Date.now() - ms).toISOString()}'`);

  it('are given again, and cannot be read in the database', async () => {
    expect(await answers.begin('id', 'request')).toBe('new');
    expect(await answers.begin('id', 'request')).toBe('running');
    await answers.keep('id', ANSWER);
    expect(await answers.begin('id', 'request')).toEqual(ANSWER);
    expect(await answers.begin('id', 'other')).toBe('other-request');
    expect(JSON.stringify(await host.run(place, 'select * from idempotency_keys'))).not.toContain('a-secret-text');
  });

  it('are not made up for a worker that died while it carried the request out', async () => {
    await answers.begin('id', 'request');
    await startedBefore(61_000);
    expect(await answers.begin('id', 'request')).toBe('unknown');
  });

  it('stay unknown where nobody could tell, and free the key where nothing was done', async () => {
    await answers.begin('id', 'request');
    await answers.giveUp('id');
    expect(await answers.begin('id', 'request')).toBe('unknown');
    await answers.release('id');
    expect(await answers.begin('id', 'request')).toBe('new');
  });

  it('are forgotten after a day, and unknown once the secret that sealed them is gone', async () => {
    await answers.begin('id', 'request');
    await answers.keep('id', ANSWER);
    const elsewhere = new KeptAnswers(database, folderOf(randomBytes(32)));
    expect(await elsewhere.begin('id', 'request')).toBe('unknown');
    await startedBefore(25 * 3_600_000);
    expect(await answers.begin('id', 'request')).toBe('new');
  });
});
