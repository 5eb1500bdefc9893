/** @waits */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startSentinels, type RunningSentinels } from '#lib/testing/redis-server';
import { INDEPENDENT, MixedTraffic } from '../support/mixed-traffic.js';
import { orderRedis } from '../support/redis-orders.js';
import { startWiredCluster, type WiredCluster } from '../support/wired-cluster.js';

/** Longer than a worker may be silent before it is taken for dead, and than it takes to find that out. */
const LONGER_THAN_LIFE_MS = 7_500;
const LAG_MS = 1_500;
/** The Sentinels notice after half a second, agree within another one or two, and workers follow. */
const BACK_WITHIN_MS = scaleDeadline(2 * 4_000);

let sentinels: RunningSentinels;
let world: WiredCluster;

beforeEach(async () => {
  sentinels = await startSentinels();
  const env = {
    ISTHMUS_REDIS_SENTINELS: sentinels.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(','),
    ISTHMUS_REDIS_SENTINEL_MASTER: sentinels.name,
  };
  world = await startWiredCluster({ workers: [env, env] });
});

afterEach(async () => {
  await world.close();
  await sentinels.stop();
});

describe('a fail-over to a replica that lags', () => {
  it.each<[string, NodeJS.Signals]>([
    ['died', 'SIGKILL'],
    ['fell silent, and comes back as a second master', 'SIGSTOP'],
  ])(
    'of a master that %s runs nothing twice and tells no lies',
    async (_, signal) => {
      const { master, replica } = sentinels;
      const traffic = await MixedTraffic.start(world);
      const client = await world.initialize(world.owner);
      const held = await client.begin(world.other, 'held', 'hold', { key: 'held' });
      await held.message();
      // From here on it follows nobody: what is decided now, it will not know.
      await orderRedis(replica, 'REPLICAOF', '127.0.0.1', '1');
      await traffic.goOn(LAG_MS);

      const failed = performance.now();
      await master.kill(signal);
      await sentinels.promoted();
      expect(await traffic.served(performance.now())).toBeLessThan(BACK_WITHIN_MS);
      if (signal === 'SIGSTOP') await master.kill('SIGCONT');
      await traffic.goOn(LONGER_THAN_LIFE_MS);
      await traffic.served();
      await traffic.stop();

      expect(await held.rest()).toMatchObject([{ id: 'held', error: { code: -31_002, data: { outcome: 'unknown' } } }]);
      expect(world.legacy.arrivals('held')).toBe(1);
      const refused = traffic.since(failed).filter(({ verdict }) => verdict === 'not executed');
      expect(refused.length).toBeGreaterThan(0);
      expect(traffic.lies()).toEqual([]);
      expect(traffic.since(0, INDEPENDENT).filter(({ verdict }) => verdict !== 'answered')).toEqual([]);
      expect(world.duplicates()).toEqual([]);
      expect(world.complaints()).toEqual([]);
    },
    scaleDeadline(180_000),
  );
});
