import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisConfig } from '#lib/redis';
import { ManualClock } from '#lib/testing/manual-clock';
import { freePort, startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { until } from '../../test/support/until.js';
import { Coordination } from '../coordination/index.js';
import type { PageSession } from './page-session.js';
import { MAX_SESSIONS_OF_PRINCIPAL, MemoryPageSessionStore, type PageSessionStore } from './page-session-store.js';
import { RedisPageSessionStore } from './redis-page-session-store.js';

const SECRET = Buffer.alloc(32, 7);

let server: RunningRedis;
let coordination: Coordination;
let clock: ManualClock;

const coordinationAt = (url: string) => new Coordination(Object.assign(new RedisConfig(), { url }));
const shared = () => coordination.redis!;
const session = (more: Partial<PageSession> = {}): PageSession => ({
  principal: { issuer: 'https://login.example.com', subject: 'ada' },
  token: 'CANARY-TOKEN',
  loginMethod: 'openId',
  tokenEndsAt: clock.now() + 60_000,
  endsAt: clock.now() + 600_000,
  renewal: { refreshToken: 'CANARY-REFRESH', dueAt: clock.now() + 30_000 },
  ...more,
});

beforeAll(async () => {
  Logger.overrideLogger(false);
  server = await startRedis();
  coordination = coordinationAt(server.url);
  await until(() => shared().commands.isReady);
});

afterAll(async () => {
  coordination.onApplicationShutdown();
  await server.stop();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

beforeEach(() => {
  clock = new ManualClock();
});

describe.each<[string, () => PageSessionStore]>([
  ['of a single worker', () => new MemoryPageSessionStore(clock)],
  ['in Redis', () => new RedisPageSessionStore(shared(), SECRET, clock)],
])('the store of page sessions %s', (_place, create) => {
  let store: PageSessionStore;
  const findAll = async (ids: readonly string[]) => {
    const found = await Promise.all(ids.map((id) => store.find(id)));
    return ids.filter((_, index) => found[index] !== undefined);
  };

  beforeEach(async () => {
    await shared().commands.send('FLUSHALL');
    store = create();
  });

  it('finds a session by its id until it is deleted', async () => {
    await store.add('a', session());
    expect(await store.find('a')).toEqual(session());
    expect(await store.find('b')).toBeUndefined();
    await store.delete('a');
    expect(await store.find('a')).toBeUndefined();
  });

  it('finds no session that has ended', async () => {
    await store.add('a', session({ endsAt: clock.now() + 1_000 }));
    await clock.advance(1_000);
    expect(await store.find('a')).toBeUndefined();
  });

  it('replaces a session, but does not bring back a deleted one', async () => {
    await store.add('a', session());
    expect(await store.replace('a', session({ token: 'next' }))).toBe(true);
    expect(await store.find('a')).toMatchObject({ token: 'next' });
    await store.delete('a');
    expect(await store.replace('a', session())).toBe(false);
    expect(await store.find('a')).toBeUndefined();
  });

  it('ends the oldest sessions of a principal beyond the bound, and no session of another one', async () => {
    const others = [
      { issuer: 'https://login.example.com', subject: 'grace' },
      { issuer: 'https://elsewhere.example.com', subject: 'ada' },
    ];
    for (const [index, principal] of others.entries()) await store.add(`other ${index}`, session({ principal }));
    const ids = Array.from({ length: MAX_SESSIONS_OF_PRINCIPAL + 2 }, (_, index) => `own ${index}`);
    for (const id of ids) {
      await clock.advance(1);
      await store.add(id, session());
    }
    expect(await findAll(ids)).toEqual(ids.slice(2));
    expect(await findAll(['other 0', 'other 1'])).toHaveLength(2);
  });

  it('counts neither deleted nor ended sessions of a principal', async () => {
    await store.add('oldest', session());
    for (let count = 0; count < MAX_SESSIONS_OF_PRINCIPAL; count += 1) {
      await clock.advance(1);
      await store.add(`deleted ${count}`, session());
      await store.delete(`deleted ${count}`);
      await store.add(`short ${count}`, session({ endsAt: clock.now() + 1 }));
    }
    await clock.advance(1);
    await store.add('newest', session());
    expect(await findAll(['oldest', 'newest'])).toEqual(['oldest', 'newest']);
  });

  it('returns the session that it deletes', async () => {
    await store.add('a', session());
    expect([await store.delete('a'), await store.delete('a')]).toEqual([session(), undefined]);
  });

  it('lets one renew a session at a time', async () => {
    expect([await store.acquireRenewal('a'), await store.acquireRenewal('a'), await store.acquireRenewal('b')]).toEqual(
      [true, false, true],
    );
    await store.releaseRenewal('a');
    expect(await store.acquireRenewal('a')).toBe(true);
  });
});

describe('page sessions in Redis', () => {
  it('show neither their ids nor their tokens to readers of Redis', async () => {
    await shared().commands.send('FLUSHALL');
    await new RedisPageSessionStore(shared(), SECRET, clock).add('the-secret-id', session());
    const names = (await shared().commands.send('KEYS', '*')) as string[];
    const sessionNames = names.filter((name) => name.includes('page-session:'));
    const values = await Promise.all(sessionNames.map((name) => shared().commands.send('GET', name)));
    const lists = names.filter((name) => !sessionNames.includes(name));
    for (const name of lists) values.push(await shared().commands.send('ZRANGE', name, 0, -1));
    expect([sessionNames.length, lists.length]).toEqual([1, 1]);
    expect(`${names.join()} ${values.join()}`).not.toMatch(/CANARY|the-secret-id/);
  });

  it('are not found under the id of another session, whatever its writer copies', async () => {
    const store = new RedisPageSessionStore(shared(), SECRET, clock);
    await shared().commands.send('FLUSHALL');
    await store.add('mine', session());
    const [mine] = (await shared().commands.send('KEYS', '*page-session:*')) as string[];
    await store.add('other', session());
    const other = ((await shared().commands.send('KEYS', '*page-session:*')) as string[]).find((name) => name !== mine);
    await shared().commands.send('COPY', mine ?? '', other ?? '', 'REPLACE');
    expect(await store.find('other')).toBeUndefined();
  });

  it('are unavailable, and not ended, while Redis cannot be reached', async () => {
    const elsewhere = coordinationAt(`redis://127.0.0.1:${await freePort()}`);
    const store = new RedisPageSessionStore(elsewhere.redis!, SECRET, clock);
    await expect(store.find('a')).rejects.toMatchObject({ httpStatus: 503 });
    elsewhere.onApplicationShutdown();
  });
});

it('the store of a single worker ends the session that was opened first beyond its bound', async () => {
  const store = new MemoryPageSessionStore(clock, 2);
  for (const id of ['a', 'b', 'c']) await store.add(id, session());
  expect([await store.find('a'), await store.find('c')]).toEqual([undefined, session()]);
});
