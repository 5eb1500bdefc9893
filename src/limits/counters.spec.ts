import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RedisConfig, RedisKeys, type RedisCommands } from '#lib/redis';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { until } from '../../test/support/until.js';
import { Coordination } from '../coordination/index.js';
import type { Counters } from './counters.js';
import { MemoryCounters } from './memory-counters.js';
import { RedisCounters } from './redis-counters.js';

let redis: RunningRedis;
const coordinations: Coordination[] = [];
const opened: RedisCounters[] = [];

beforeAll(async () => {
  Logger.overrideLogger(false);
  redis = await startRedis();
});

afterEach(() => {
  for (const counters of opened.splice(0)) counters.close();
  for (const coordination of coordinations.splice(0)) coordination.onApplicationShutdown();
});

afterAll(() => redis.stop());

async function openRedisCounters(url = redis.url): Promise<RedisCounters> {
  const coordination = new Coordination(Object.assign(new RedisConfig(), { url }));
  coordinations.push(coordination);
  if (!coordination.redis) throw new Error('Redis is configured.');
  const { commands } = coordination.redis;
  await until(() => commands.isReady);
  const counters = new RedisCounters(coordination.redis, new MemoryCounters());
  opened.push(counters);
  return counters;
}

const MINUTE = { rate: { calls: 3, withinMs: 60_000 } };
let serial = 0;
const fresh = () => `counter-${(serial += 1)}`;

/** The results of `count` sequential admissions. */
async function admitAll(counters: Counters, count: number, counter = fresh(), allowance: object = MINUTE) {
  const answers: unknown[] = [];
  for (let index = 0; index < count; index += 1)
    answers.push(await counters.admit(counter, allowance, `lease-${index}`));
  return answers;
}

describe.each([
  { place: 'in memory', open: async () => new MemoryCounters() },
  { place: 'in Redis', open: () => openRedisCounters() },
])('counters $place', ({ open }) => {
  it('admit calls up to the rate, then report when the next one is admitted', async () => {
    const counters = await open();
    const counter = fresh();
    const [first, second, third, fourth] = await admitAll(counters, 4, counter);
    expect([first, second, third]).toEqual([undefined, undefined, undefined]);
    const { afterMs } = fourth as { afterMs: number };
    expect(afterMs).toBeGreaterThan(0);
    expect(afterMs).toBeLessThanOrEqual(20_000);
    expect(await admitAll(counters, 1)).toEqual([undefined]);
  });

  it('admit calls again after the refused time has passed', async () => {
    const counters = await open();
    const [counter, fast] = [fresh(), { rate: { calls: 1, withinMs: 100 } }];
    const admit = () => counters.admit(counter, fast, 'call');
    let answer = await admit();
    // On a slow machine the first calls may be so far apart that each is admitted.
    await until(async () => (answer = await admit()) !== undefined);
    expect(answer).toMatchObject({ afterMs: expect.any(Number) });
    await until(async () => (await admit()) === undefined);
  });

  it('admit calls up to the concurrency limit until one is released', async () => {
    const counters = await open();
    const [counter, two] = [fresh(), { concurrency: 2 }];
    expect(await admitAll(counters, 3, counter, two)).toEqual([undefined, undefined, 'too-many-at-once']);
    await counters.release(counter, 'lease-0');
    await counters.release(counter, 'lease-0');
    expect(await counters.admit(counter, two, 'later')).toBeUndefined();
    expect(await counters.admit(counter, two, 'even later')).toBe('too-many-at-once');
  });

  it('apply a rate and a concurrency limit independently', async () => {
    const counters = await open();
    const both = { rate: { calls: 2, withinMs: 60_000 }, concurrency: 1 };
    const counter = fresh();
    expect(await admitAll(counters, 2, counter, both)).toEqual([undefined, 'too-many-at-once']);
    await counters.release(counter, 'lease-0');
    expect(await counters.admit(counter, both, 'b')).toBeUndefined();
    await counters.release(counter, 'b');
    expect(await counters.admit(counter, both, 'c')).toMatchObject({ afterMs: expect.any(Number) });
  });
});

describe('counters in memory', () => {
  it('admit exactly the calls that the rate allows', async () => {
    let now = 0;
    const counters = new MemoryCounters(() => now);
    const refused = async () =>
      (await counters.admit('c', { rate: { calls: 10, withinMs: 1_000 } }, 'l')) !== undefined;
    for (let index = 0; index < 10; index += 1) expect(await refused()).toBe(false);
    expect(await refused()).toBe(true);
    now = 99;
    expect(await refused()).toBe(true);
    now = 100;
    expect([await refused(), await refused()]).toEqual([false, true]);
  });
});

describe('counters in Redis', () => {
  it('are shared by all workers', async () => {
    const [one, other] = [await openRedisCounters(), await openRedisCounters()];
    const counter = fresh();
    await admitAll(one, 2, counter);
    const [third, fourth] = await admitAll(other, 2, counter);
    expect([third, fourth]).toEqual([undefined, { afterMs: expect.any(Number) }]);
    await one.admit('together', { concurrency: 1 }, 'a');
    expect(await other.admit('together', { concurrency: 1 }, 'b')).toBe('too-many-at-once');
  });

  it('count for each worker separately while Redis is unavailable', async () => {
    const own = await startRedis();
    const counters = await openRedisCounters(own.url);
    await admitAll(counters, 3, 'c');
    await own.stop();
    const answers = await admitAll(counters, 4, 'c');
    expect(answers.map((answer) => answer === undefined)).toEqual([true, true, true, false]);
    await counters.release('c', 'lease-0');
  });

  it('restore the leases of running calls after Redis lost its data', async () => {
    const own = await startRedis();
    const [one, other] = [await openRedisCounters(own.url), await openRedisCounters(own.url)];
    await one.admit('c', { concurrency: 1 }, 'running');
    const { commands, keys } = coordinations.at(-1)!.redis!;
    await commands.send('FLUSHALL');
    await commands.send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(async () => (await commands.send('ZCARD', keys.leases('c'))) === 1);
    expect(await other.admit('c', { concurrency: 1 }, 'more')).toBe('too-many-at-once');
    await one.release('c', 'running');
    expect(await other.admit('c', { concurrency: 1 }, 'more')).toBeUndefined();
    await own.stop();
  });

  it('add the leases of calls that were admitted while Redis was unavailable', async () => {
    const own = await startRedis();
    const counters = await openRedisCounters(own.url);
    const { commands, keys } = coordinations.at(-1)!.redis!;
    const { port } = own;
    await own.stop();
    await counters.admit('c', { concurrency: 1 }, 'running');
    const again = await startRedis({ port });
    await until(async () => commands.isReady && (await commands.send('ZCARD', keys.leases('c'))) === 1);
    expect(await (await openRedisCounters(again.url)).admit('c', { concurrency: 1 }, 'more')).toBe('too-many-at-once');
    await again.stop();
  });

  it('wait once for an unresponsive Redis although a call has several counters', async () => {
    let requests = 0;
    const run = () => {
      requests += 1;
      return Promise.reject(new Error('Command timed out'));
    };
    const commands = { run, send: run, onReady: () => () => undefined } as unknown as RedisCommands;
    const counters = new RedisCounters({ commands, keys: new RedisKeys('silent') }, new MemoryCounters());
    opened.push(counters);
    for (let index = 0; index < 3; index += 1) await counters.admit(fresh(), MINUTE, 'lease');
    expect(requests).toBe(1);
  });
});
