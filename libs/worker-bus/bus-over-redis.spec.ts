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

/** Twice the guaranteed times. */
const SOON_MS = scaleDeadline(2_000);
const BACK_MS = scaleDeadline(4_000);

let redis: RunningRedis;
let redisWorld: RedisWorld;
let nodes: BusNode[];

beforeEach(async () => {
  redis = await startRedis();
  redisWorld = RedisWorld.owning(redis);
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
    workerId: me,
    secret: SECRET,
    wire: relay,
    ledger: relay,
    directory: relay,
    service: { handle: async (_, payload, context) => serve(payload, context) },
  });
  nodes.push(node);
  await node.start();
  await node.membership.whenReady(10_000);
  return { me, send: (to: string, payload: unknown) => node.request({ to, pattern: 'do', payload }) };
}

type TestWorker = Awaited<ReturnType<typeof worker>>;

/** Sends a request, and sends it again whenever it is not accepted or answered in time: a loaded machine is slow. */
async function sendUntilServed(requester: TestWorker, to: string, payload: unknown) {
  for (;;) {
    const end = await requester.send(to, payload).end;
    if (end.kind === 'value') return end;
    await pause(5);
  }
}

/** Sends requests until one is served; returns how long that took, in ms. */
async function msUntilServed(requester: TestWorker, to: string): Promise<number> {
  const begun = performance.now();
  for (;;) {
    const end = await requester.send(to, 'again').end;
    if (end.kind === 'value') return performance.now() - begun;
    await pause(5);
  }
}

describe('workers with a Redis between them', () => {
  it('serve requests of each other, including large values', async () => {
    const requester = await worker();
    const owner = await worker((payload) => payload);
    const large = 'x'.repeat(3_000_000);
    const values = [1, 'two', { three: 3 }, large];
    const ends = await Promise.all(values.map((value) => sendUntilServed(requester, owner.me, value)));
    expect(ends).toEqual(values.map((value) => ({ kind: 'value', value })));
  });

  it('end requests in flight soon after Redis dies, refuse new ones, and recover soon after Redis restarts', async () => {
    const requester = await worker();
    const owner = await worker((payload) => (payload === 'hang' ? new Promise(() => {}) : payload));
    const hanging = requester.send(owner.me, 'hang');
    expect(await hanging.accepted).toBe(true);
    await redis.kill('SIGKILL');
    const killed = performance.now();
    expect(await hanging.end).toEqual({ kind: 'unknown', cause: 'relay' });
    expect(performance.now() - killed).toBeLessThan(SOON_MS);
    expect(await requester.send(owner.me, 'meanwhile').end).toEqual({ kind: 'not-executed', cause: 'unavailable' });
    await redis.restart();
    expect(await msUntilServed(requester, owner.me)).toBeLessThan(BACK_MS);
  });

  it('report an unknown outcome soon while Redis is suspended, and recover soon after it resumes', async () => {
    const requester = await worker();
    const owner = await worker();
    process.kill(redis.pid, 'SIGSTOP');
    const stopped = performance.now();
    expect((await requester.send(owner.me, 'meanwhile').end).kind).toBe('unknown');
    expect(performance.now() - stopped).toBeLessThan(SOON_MS);
    process.kill(redis.pid, 'SIGCONT');
    expect(await msUntilServed(requester, owner.me)).toBeLessThan(BACK_MS);
  });
});
