/** @waits */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis } from '#lib/testing/redis-server';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, threeOf, type ClusterWorld } from '../support/cluster-world.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { until } from '../support/until.js';

describe('a worker that slept until the others took it for gone', () => {
  let world: ClusterWorld;
  let sleeper: ClusterWorker;
  let other: ClusterWorker;

  beforeEach(async () => {
    world = await startClusterWorld(3);
    [sleeper, other] = threeOf(world);
  });

  afterEach(() => world.close());

  it('ends what it had, and starts anew with sessions that every worker knows', async () => {
    const old = await world.initialize(sleeper);
    sleeper.kill('SIGSTOP');
    await until(async () => (await old.ask(other, 'while it sleeps')).status === 404);
    sleeper.kill('SIGCONT');
    // Between the end of the old one and the beginning of the new one nobody listens.
    const awake = () => old.ask(sleeper, 'awake').catch(() => undefined);
    await until(async () => (await awake())?.status === 404);
    await sleeper.printed(/has restarted/);
    const fresh = await world.initialize(sleeper);
    expect(await fresh.ask(other, 'fresh')).toMatchObject({ status: 200, messages: [{ result: {} }] });
    expect((await old.ask(sleeper, 'still gone')).status).toBe(404);
    expect(world.server.arrivals('while it sleeps')).toBe(0);
    expect(sleeper.output).not.toMatch(/unhandled/i);
  });
});

describe('one of several workers that cannot start anew', () => {
  it('ends, and another takes its place', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'isthmus-renewal-'));
    const config = join(folder, 'isthmus.json');
    await writeFile(config, '{}');
    const redis = await startRedis();
    const own = { ISTHMUS_DATA_DIR: folder, ISTHMUS_CONFIG: config, ISTHMUS_PORT: '0', ISTHMUS_REDIS_URL: redis.url };
    const gateway = new GatewayProcess(own, ['--workers', '2']);
    const commands = new Redis(redis.url);
    try {
      await gateway.printed(/is ready at/);
      const [worker = ''] = await commands.zrange('isthmus:{workers}:living', '0', '-1');
      await writeFile(config, 'no configuration');
      await commands.set(`isthmus:tombstone:{${worker}}`, '1');
      const [, reason] = await gateway.printed(/The restart failed: (.*)/);
      expect(reason).toContain(config);
      await gateway.printed(/Worker \d+ ended \(exit code 1\); starting a replacement/);
    } finally {
      commands.disconnect();
      await gateway.destroy();
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
