/** @waits */
import { expect, it } from '@jest/globals';
import { startRedisCluster } from '#lib/testing/redis-server';
import { EventReader } from '../support/event-reader.js';
import { MixedTraffic } from '../support/mixed-traffic.js';
import { nextMessage } from '../support/roaming-client.js';
import { startWiredCluster } from '../support/wired-cluster.js';

// About 5 s: three Redis nodes form a cluster before two gateways start.
it('workers serve sessions, streams and calls over a Redis Cluster as over a single Redis', async () => {
  const redis = await startRedisCluster();
  const nodes = redis.masters.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const env = { ISTHMUS_REDIS_CLUSTER: nodes };
  const world = await startWiredCluster({ workers: [env, env] });
  try {
    const { owner, other } = world;
    const client = await world.initialize(owner);
    const begun = await client.openStream(other, 'held', 'hold', { key: 'held' });
    const { id } = await nextMessage(begun);
    await begun.cancel();
    const resumed = new EventReader(await client.stream(other, id));
    world.legacy.server.world.release('held');
    expect(await resumed.rest()).toMatchObject([{ id: 'held', result: { content: [{ text: 'released held' }] } }]);
    expect((await client.end(other)).status).toBe(204);
    expect(await client.callAndRead(other, 'after its end')).toMatchObject({ status: 404 });

    const traffic = await MixedTraffic.start(world);
    await traffic.served();
    await traffic.stop();
    expect(traffic.attempts.filter(({ verdict }) => verdict !== 'answered')).toEqual([]);
    expect(traffic.falseReports()).toEqual([]);
    expect(world.duplicates()).toEqual([]);
    expect(world.unexpectedOutput()).toEqual([]);
  } finally {
    await world.close();
    await redis.stop();
  }
});
