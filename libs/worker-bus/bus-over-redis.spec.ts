/** @waits */
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { SECRET } from './bus-world-fixture.js';
import type { BusContext } from './bus.js';
import { BusNode } from './bus-node.js';
import { RedisWorld } from './relays/redis-world-fixture.js';

/** Twice what the guarantees say. */
const SOON_MS = scaleDeadline(2_000);
const BACK_MS = scaleDeadline(4_000);

let redis: RunningRedis;
let redisWorld: RedisWorld;
let nodes: BusNode[];

beforeEach(async () => {
  redis = await startRedis();
  redisWorld = RedisWorld.around(redis);
  nodes = [];
});

afterEach(async () => {
  for (const node of nodes) node.stop();
  await redisWorld.close();
});

async function worker(serve: (payload: unknown, context: BusContext) => unknown = (payload) => payload) {
  const relay = await redisWorld.connect();
  const me = randomBytes(16).toString('base64url');
  const node = new BusNode({
    me,
    secret: SECRET,
    wire: relay,
    ledger: relay,
    directory: relay,
    service: { handle: async (_, payload, context) => serve(payload, context) },
  });
  nodes.push(node);
  await node.start();
  await node.membership.whenReady(10_000);
  return { me, ask: (to: string, payload: unknown) => node.request({ to, pattern: 'do', payload }) };
}

type Asker = Awaited<ReturnType<typeof worker>>;

/** Asks, and once more whenever it was not taken, or not answered, in time: a full machine is slow, and says so. */
async function askUntilServed(asker: Asker, to: string, payload: unknown) {
  for (;;) {
    const end = await asker.ask(to, payload).end;
    if (end.kind === 'value') return end;
    await pause(5);
  }
}

/** Asks again and again until it is served; says how long that took, ms. */
async function served(asker: Asker, to: string): Promise<number> {
  const begun = performance.now();
  for (;;) {
    const end = await asker.ask(to, 'again').end;
    if (end.kind === 'value') return performance.now() - begun;
    await pause(5);
  }
}

describe('workers with a Redis between them', () => {
  it('serve each other, in order, large values included', async () => {
    const asker = await worker();
    const owner = await worker((payload) => payload);
    const large = 'x'.repeat(3_000_000);
    const values = [1, 'two', { three: 3 }, large];
    const ends = await Promise.all(values.map((value) => askUntilServed(asker, owner.me, value)));
    expect(ends).toEqual(values.map((value) => ({ kind: 'value', value })));
  });

  it('end what is under way soon after Redis was killed, refuse meanwhile, and are back soon after it', async () => {
    const asker = await worker();
    const owner = await worker((payload) => (payload === 'hang' ? new Promise(() => {}) : payload));
    const hanging = asker.ask(owner.me, 'hang');
    expect(await hanging.accepted).toBe(true);
    await redis.kill('SIGKILL');
    const killed = performance.now();
    expect(await hanging.end).toEqual({ kind: 'unknown', cause: 'relay' });
    expect(performance.now() - killed).toBeLessThan(SOON_MS);
    expect(await asker.ask(owner.me, 'meanwhile').end).toEqual({ kind: 'not-executed', cause: 'unavailable' });
    await redis.restart();
    expect(await served(asker, owner.me)).toBeLessThan(BACK_MS);
  });

  it('say soon that nothing is known while Redis is stopped, and are back soon after it', async () => {
    const asker = await worker();
    const owner = await worker();
    process.kill(redis.pid, 'SIGSTOP');
    const stopped = performance.now();
    expect((await asker.ask(owner.me, 'meanwhile').end).kind).toBe('unknown');
    expect(performance.now() - stopped).toBeLessThan(SOON_MS);
    process.kill(redis.pid, 'SIGCONT');
    expect(await served(asker, owner.me)).toBeLessThan(BACK_MS);
  });
});
