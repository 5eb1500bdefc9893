/** @waits */
import { describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Redis } from 'ioredis';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startRedisCluster, startSentinels, type RunningCluster, type RunningRedis } from '#lib/testing/redis-server';
import type { RedisRelay } from './index.js';
import { Echo, eventually, LOCAL, RedisWorld } from './redis-world-fixture.js';

/** Servers elect a new master at their own pace, which a busy machine does not quicken. */
const PATIENCE_MS = scaleDeadline(90_000);
const accept = Buffer.from('accept');

/** A worker of the relay, with a request that was sent before anything happens. */
async function workerOf(relay: RedisRelay) {
  const echo = new Echo(relay, 'me');
  await echo.listen();
  let breaks = 0;
  relay.onBroken(() => (breaks += 1));
  const { generation, now } = await relay.announce('me', 5_000);
  const old = { requester: 'me', request: 'R', generation, notAfter: now + 10_000 };
  return { echo, old, isBroken: () => breaks > 0 };
}

/** After a fail-over nothing is decided any more about what was sent before it, and everything works again. */
async function expectServesAnew(relay: RedisRelay, { echo, old, isBroken }: Awaited<ReturnType<typeof workerOf>>) {
  await echo.untilHeard();
  expect(isBroken()).toBe(true);
  const { generation, buried, now } = await eventually(() => relay.announce('me', 5_000));
  expect(generation).not.toBe(old.generation);
  expect(buried).toBe(false);
  expect(await relay.claim(old, accept)).toBe('stale');
  expect(await relay.revoke(old)).toBe('stale');
  expect(await relay.claim({ ...old, generation, notAfter: now + 10_000, request: 'anew' }, accept)).toBe('claimed');
  expect(await relay.living()).toContain('me');
}

jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined);

describe('a relay behind Sentinels', () => {
  it.each<[string, (world: Awaited<ReturnType<typeof startSentinels>>) => Promise<void>]>([
    ['dies', ({ master }) => master.kill('SIGKILL')],
    ['falls silent', ({ master }) => master.kill('SIGSTOP')],
    ['hands over', ({ sentinels: [one], name }) => order(one, 'SENTINEL', 'FAILOVER', name)],
  ])(
    'serves anew when the master %s',
    async (_, happen) => {
      const running = await startSentinels();
      const sentinels = running.sentinels.map(({ port }) => ({ host: LOCAL, port }));
      const world = new RedisWorld({ kind: 'sentinel', sentinels, master: running.name }, { servers: [running] });
      const relay = await world.connect();
      const worker = await workerOf(relay);
      await happen(running);
      await running.promoted();
      await worker.echo.until(worker.isBroken);
      await expectServesAnew(relay, worker);
      await world.close();
    },
    PATIENCE_MS,
  );
});

describe('a relay over a cluster', () => {
  it.each<[string, (master: RunningRedis, replica: RunningRedis) => Promise<void>]>([
    ['dies', (master) => master.kill('SIGKILL')],
    ['hands over', (_, replica) => order(replica, 'CLUSTER', 'FAILOVER', 'TAKEOVER')],
  ])(
    'serves anew when the node of a worker %s',
    async (_, happen) => {
      const cluster = await startRedisCluster({ replicas: true });
      const nodes = cluster.masters.map(({ port }) => ({ host: LOCAL, port }));
      const world = new RedisWorld({ kind: 'cluster', nodes }, { servers: [cluster] });
      const relay = await world.connect();
      const worker = await workerOf(relay);
      const [master, replica] = await homeOf('{me}', cluster);
      await happen(master, replica);
      await worker.echo.until(() => isMaster(replica));
      await worker.echo.until(worker.isBroken);
      await expectServesAnew(relay, worker);
      await world.close();
    },
    PATIENCE_MS,
  );
});

async function order(redis: RunningRedis | undefined, ...words: [string, ...string[]]): Promise<void> {
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

/** The node that a key lies on, and the one that stands by for it. */
async function homeOf(key: string, { masters, replicas }: RunningCluster): Promise<[RunningRedis, RunningRedis]> {
  for (const [index, master] of masters.entries()) {
    const replica = replicas[index];
    const client = new Redis({ host: LOCAL, port: master.port });
    const isHome = await client.exists(key).then(
      () => true,
      () => false,
    );
    client.disconnect();
    if (isHome && replica !== undefined) return [master, replica];
  }
  throw new Error(`No node of the cluster has a place for ${key}.`);
}
