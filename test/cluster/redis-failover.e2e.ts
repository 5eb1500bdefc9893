/** @waits */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startSentinels, type RunningSentinels } from '#lib/testing/redis-server';
import { INDEPENDENT_LANES, MixedTraffic } from '../support/mixed-traffic.js';
import { sendRedisCommand } from '../support/redis-commands.js';
import { startWiredCluster, type WiredCluster } from '../support/wired-cluster.js';

/** Longer than the time without a heartbeat after which a worker is considered dead, plus the time to detect that. */
const DEATH_DETECTED_MS = 7_500;
const LAG_MS = 1_500;
/** The Sentinels detect the failure after half a second and agree within two more seconds; then the workers reconnect. */
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

describe('a Redis failover to a lagging replica', () => {
  // About 17 s each: calls continue for longer than the presence lifetime after the promotion.
  it.each<[string, NodeJS.Signals]>([
    ['was killed', 'SIGKILL'],
    ['was paused, and resumes as a second master', 'SIGSTOP'],
  ])(
    'runs no call twice and reports true outcomes after the master %s',
    async (_, signal) => {
      const { master, replica } = sentinels;
      const traffic = await MixedTraffic.start(world);
      const client = await world.initialize(world.owner);
      const held = await client.openStream(world.other, 'held', 'hold', { key: 'held' });
      await held.message();
      // From here on the replica does not replicate: it will not know what the master decides now.
      await sendRedisCommand(replica, 'REPLICAOF', '127.0.0.1', '1');
      await traffic.runFor(LAG_MS);

      const failed = performance.now();
      await master.kill(signal);
      await sentinels.promoted();
      expect(await traffic.served(performance.now())).toBeLessThan(BACK_WITHIN_MS);
      if (signal === 'SIGSTOP') await master.kill('SIGCONT');
      await traffic.runFor(DEATH_DETECTED_MS);
      await traffic.served();
      await traffic.stop();

      expect(await held.rest()).toMatchObject([{ id: 'held', error: { code: -31_002, data: { outcome: 'unknown' } } }]);
      expect(world.legacy.arrivals('held')).toBe(1);
      const refused = traffic.since(failed).filter(({ verdict }) => verdict === 'not executed');
      expect(refused.length).toBeGreaterThan(0);
      expect(traffic.falseReports()).toEqual([]);
      expect(traffic.since(0, INDEPENDENT_LANES).filter(({ verdict }) => verdict !== 'answered')).toEqual([]);
      expect(world.duplicates()).toEqual([]);
      expect(world.unexpectedOutput()).toEqual([]);
    },
    scaleDeadline(180_000),
  );
});
