/** @waits */
/**
 * A client with an open stream is notified of exactly what it may see while it joins and leaves a team, when every request
 * arrives at a worker that does not own its session. Takes long because six clients wait for two workers to apply each change.
 */
import { describe } from '@jest/globals';
import { startRedis } from '#lib/testing/redis-server';
import { startMisroutingBalancer } from '../matrix/misrouting-balancer.js';
import { startCluster } from '../support/cluster.js';
import { describeTeamChanges } from '../support/team-changes.js';

describe('team changes at two workers', () => {
  describeTeamChanges(async (setup) => {
    const redis = await startRedis();
    const cluster = await startCluster({ ...setup, workers: 0, redis: redis.url });
    const [first, second] = [await cluster.addWorker(), await cluster.addWorker()];
    const balancer = await startMisroutingBalancer([first.url, second.url]);
    return {
      url: balancer.url,
      token: (order) => cluster.token(order),
      configure: (now) => cluster.configure(now),
      close: async () => {
        await balancer.close();
        await cluster.stop();
        await redis.stop();
      },
    };
  });
});
