/** @waits */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis } from '#lib/testing/redis-server';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, firstThreeWorkers, type ClusterWorld } from '../support/cluster-world.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { until } from '../support/until.js';

describe('a worker that was paused until the other workers considered it dead', () => {
  let world: ClusterWorld;
  let sleeper: ClusterWorker;
  let other: ClusterWorker;

  beforeEach(async () => {
    world = await startClusterWorld(3);
    [sleeper, other] = firstThreeWorkers(world);
  });

  afterEach(() => world.close());

  // About 9 s: the worker is paused until its presence has expired.
  it('ends its sessions and restarts with a new worker id, and its new sessions are served at every worker', async () => {
    const old = await world.initialize(sleeper);
    sleeper.kill('SIGSTOP');
    await until(async () => (await old.callAndRead(other, 'while it sleeps')).status === 404);
    sleeper.kill('SIGCONT');
    // No worker listens on the port between the end of the old worker id and the start of the new one.
    const awake = () => old.callAndRead(sleeper, 'awake').catch(() => undefined);
    await until(async () => (await awake())?.status === 404);
    await sleeper.printed(/has restarted/);
    const fresh = await world.initialize(sleeper);
    expect(await fresh.callAndRead(other, 'fresh')).toMatchObject({ status: 200, messages: [{ result: {} }] });
    expect((await old.callAndRead(sleeper, 'still unknown')).status).toBe(404);
    expect(world.server.arrivals('while it sleeps')).toBe(0);
    expect(sleeper.output).not.toMatch(/unhandled/i);
  });
});

describe('a worker that cannot restart after it was considered dead', () => {
  it('ends its process, and the primary starts a replacement', async () => {
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
