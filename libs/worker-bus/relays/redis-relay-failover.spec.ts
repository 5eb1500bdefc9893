/** @waits */
import { describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startRedisCluster, startSentinels, type RunningCluster, type RunningRedis } from '#lib/testing/redis-server';
import type { RedisRelay } from './index.js';
import { EchoWorker, eventually, LOCAL, RedisWorld } from './redis-world-fixture.js';

/** Redis elects a new master at its own pace, which a loaded machine slows further. */
const FAILOVER_TIMEOUT_MS = scaleDeadline(90_000);
const accept = Buffer.from('accept');

/** Starts a worker of the relay, with a request that was sent before the fail-over. */
async function startWorker(relay: RedisRelay) {
  const echo = new EchoWorker(relay, 'me');
  await echo.listen();
  let breaks = 0;
  relay.onBroken(() => (breaks += 1));
  const { generation, now } = await relay.announce('me', 5_000);
  const old = { requester: 'me', request: 'R', generation, notAfter: now + 10_000 };
  return { echo, old, isBroken: () => breaks > 0 };
}

/** Expects that after a fail-over no earlier request can be decided, and everything else works. */
async function expectWorksAgain(relay: RedisRelay, { echo, old, isBroken }: Awaited<ReturnType<typeof startWorker>>) {
  await echo.untilFrameReceived();
  expect(isBroken()).toBe(true);
  const { generation, fenced, now } = await eventually(() => relay.announce('me', 5_000));
  expect(generation).not.toBe(old.generation);
  expect(fenced).toBe(false);
  expect(await relay.claim(old, accept)).toBe('stale');
  expect(await relay.revoke(old)).toBe('stale');
  expect(await relay.claim({ ...old, generation, notAfter: now + 10_000, request: 'next' }, accept)).toBe('claimed');
  expect(await relay.aliveWorkers()).toContain('me');
}

jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);

describe('a relay behind Sentinels', () => {
  it.each<[string, (world: Awaited<ReturnType<typeof startSentinels>>) => Promise<void>]>([
    ['dies', ({ master }) => master.kill('SIGKILL')],
    ['stops responding', ({ master }) => master.kill('SIGSTOP')],
    ['fails over', ({ sentinels: [one], name }) => command(one, 'SENTINEL', 'FAILOVER', name)],
  ])(
    'works again when the master %s',
    async (_, failOver) => {
      const running = await startSentinels();
      const sentinels = running.sentinels.map(({ port }) => ({ host: LOCAL, port }));
      const world = new RedisWorld({ kind: 'sentinel', sentinels, master: running.name }, { servers: [running] });
      const relay = await world.connect();
      const worker = await startWorker(relay);
      await failOver(running);
      await running.promoted();
      await worker.echo.until(worker.isBroken);
      await expectWorksAgain(relay, worker);
      await world.close();
    },
    FAILOVER_TIMEOUT_MS,
  );
});

describe('a relay over a cluster', () => {
  it.each<[string, (master: RunningRedis, replica: RunningRedis) => Promise<void>]>([
    ['dies', (master) => master.kill('SIGKILL')],
    ['fails over', (_, replica) => command(replica, 'CLUSTER', 'FAILOVER', 'TAKEOVER')],
  ])(
    'works again when the node of a worker %s',
    async (_, failOver) => {
      const cluster = await startRedisCluster({ replicas: true });
      const nodes = cluster.masters.map(({ port }) => ({ host: LOCAL, port }));
      const world = new RedisWorld({ kind: 'cluster', nodes }, { servers: [cluster] });
      const relay = await world.connect();
      const worker = await startWorker(relay);
      const [master, replica] = await findNodes('{me}', cluster);
      await failOver(master, replica);
      await worker.echo.until(() => isMaster(replica));
      await worker.echo.until(worker.isBroken);
      await expectWorksAgain(relay, worker);
      await world.close();
    },
    FAILOVER_TIMEOUT_MS,
  );
});

async function command(redis: RunningRedis | undefined, ...words: [string, ...string[]]): Promise<void> {
  const client = new Redis({ host: LOCAL, port: redis?.port ?? 0 });
  await client.call(...words);
  client.disconnect();
}

async function isMaster({ port }: RunningRedis): Promise<boolean> {
  const client = new Redis({ host: LOCAL, port });
  const info = await client.info('replication');
  client.disconnect();
  return info.includes('role:master');
}

/** Returns the node that stores a key, and its replica. */
async function findNodes(key: string, { masters, replicas }: RunningCluster): Promise<[RunningRedis, RunningRedis]> {
  for (const [index, master] of masters.entries()) {
    const replica = replicas[index];
    const client = new Redis({ host: LOCAL, port: master.port });
    const isStored = await client.exists(key).then(
      () => true,
      () => false,
    );
    client.disconnect();
    if (isStored && replica !== undefined) return [master, replica];
  }
  throw new Error(`No node of the cluster stores ${key}.`);
}
