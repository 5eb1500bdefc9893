import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { DATABASE_KINDS, type DatabaseHost } from '../../../test/support/databases.js';
import type { DataFolder } from '../../data-folder/index.js';
import type { Database } from '../../database/index.js';
import { openDatabase, type DatabasePlace } from '../../database/testing.js';
import { IdempotencyStore } from './idempotency-store.js';

const RESPONSE = { headers: { etag: '"1"' }, body: { token: 'a-secret-text' } };
const CALLER = 'c'.repeat(43);
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
    expect(await store.acquire('id', 'request', CALLER)).toBe('new');
    expect(await store.acquire('id', 'request', CALLER)).toBe('running');
    await store.complete('id', RESPONSE);
    expect(await store.acquire('id', 'request', CALLER)).toEqual(RESPONSE);
    expect(await store.acquire('id', 'other', CALLER)).toBe('other-request');
    expect(JSON.stringify(await host.run(place, 'select * from idempotency_keys'))).not.toContain('a-secret-text');
  });

  it('reports "unknown" for a request whose worker died during its execution', async () => {
    await store.acquire('id', 'request', CALLER);
    await clock.advance(61_000);
    expect(await store.acquire('id', 'request', CALLER)).toBe('unknown');
  });

  it('reports "unknown" for a key with an unknown outcome, and "new" after a key was released', async () => {
    await store.acquire('id', 'request', CALLER);
    await store.markUnknown('id');
    expect(await store.acquire('id', 'request', CALLER)).toBe('unknown');
    await store.release('id');
    expect(await store.acquire('id', 'request', CALLER)).toBe('new');
  });

  it('deletes a key after a day, and reports "unknown" when the secret of its response was removed', async () => {
    await store.acquire('id', 'request', CALLER);
    await store.complete('id', RESPONSE);
    const elsewhere = new IdempotencyStore(database, folderWith(randomBytes(32)), clock);
    expect(await elsewhere.acquire('id', 'request', CALLER)).toBe('unknown');
    await clock.advance(25 * 3_600_000);
    expect(await store.acquire('id', 'request', CALLER)).toBe('new');
  });

  it('refuses a new key of a caller with 1,000 keys, and none of another caller', async () => {
    for (let count = 0; count < 1_000; count += 1) await store.acquire(`id ${count}`, 'request', CALLER);
    expect(await store.acquire('id', 'request', CALLER)).toBe('too-many');
    expect(await store.acquire('id 1', 'request', CALLER)).toBe('running');
    expect(await store.acquire('id', 'request', 'd'.repeat(43))).toBe('new');
    await clock.advance(25 * 3_600_000);
    expect(await store.acquire('another id', 'request', CALLER)).toBe('new');
  });

  it('stores no response beyond 1 MiB, and reports its outcome as unknown', async () => {
    await store.acquire('id', 'request', CALLER);
    await store.complete('id', { headers: {}, body: 'x'.repeat(1024 * 1024) });
    expect(await store.acquire('id', 'request', CALLER)).toBe('unknown');
  });

  it('recognizes a request whose key an earlier version stored', async () => {
    await host.run(
      place,
      `insert into idempotency_keys (id, request, state, started_at) values ('id', 'request', 'unknown', '${new Date(clock.now()).toISOString()}')`,
    );
    expect(await store.acquire('id', 'request', CALLER)).toBe('unknown');
    expect(await store.acquire('id', 'other', CALLER)).toBe('other-request');
  });
});
