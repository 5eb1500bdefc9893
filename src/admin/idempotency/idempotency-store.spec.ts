import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { DATABASE_KINDS, type DatabaseHost } from '../../../test/support/databases.js';
import type { DataFolder } from '../../data-folder/index.js';
import type { Database } from '../../database/index.js';
import { openDatabase, type DatabasePlace } from '../../database/testing.js';
import { IdempotencyStore } from './idempotency-store.js';

const RESPONSE = { headers: { etag: '"1"' }, body: { token: 'a-secret-text' } };
const folderWith = (...credentials: [Buffer]) => ({ secrets: { credentials } }) as unknown as DataFolder;

describe.each(DATABASE_KINDS)('IdempotencyStore over $name', ({ start }) => {
  let host: DatabaseHost;
  let place: DatabasePlace;
  let database: Database;
  let store: IdempotencyStore;
  let clock: ManualClock;

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    place = await host.createDatabase();
    database = await openDatabase(place);
    clock = new ManualClock();
    store = new IdempotencyStore(database, folderWith(randomBytes(32)), clock);
  });

  afterEach(() => database.close());
  afterAll(() => host.stop());

  it('returns the stored response for a repeated request and stores it encrypted', async () => {
    expect(await store.acquire('id', 'request')).toBe('new');
    expect(await store.acquire('id', 'request')).toBe('running');
    await store.complete('id', RESPONSE);
    expect(await store.acquire('id', 'request')).toEqual(RESPONSE);
    expect(await store.acquire('id', 'other')).toBe('other-request');
    expect(JSON.stringify(await host.run(place, 'select * from idempotency_keys'))).not.toContain('a-secret-text');
  });

  it('reports "unknown" for a request whose worker died during its execution', async () => {
    await store.acquire('id', 'request');
    await clock.advance(61_000);
    expect(await store.acquire('id', 'request')).toBe('unknown');
  });

  it('reports "unknown" for a key with an unknown outcome, and "new" after a key was released', async () => {
    await store.acquire('id', 'request');
    await store.markUnknown('id');
    expect(await store.acquire('id', 'request')).toBe('unknown');
    await store.release('id');
    expect(await store.acquire('id', 'request')).toBe('new');
  });

  it('deletes a key after a day, and reports "unknown" when the secret of its response was removed', async () => {
    await store.acquire('id', 'request');
    await store.complete('id', RESPONSE);
    const elsewhere = new IdempotencyStore(database, folderWith(randomBytes(32)), clock);
    expect(await elsewhere.acquire('id', 'request')).toBe('unknown');
    await clock.advance(25 * 3_600_000);
    expect(await store.acquire('id', 'request')).toBe('new');
  });
});
