/** @waits */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js';
import { MixedTraffic } from '../support/mixed-traffic.js';
import { startWiredCluster, type WiredCluster } from '../support/wired-cluster.js';
import { timed } from '../support/cluster-world.js';

const OUTCOME_UNKNOWN = { error: { code: -31_002, data: { outcome: 'unknown', retriable: false } } };
/** Promised within a second; doubled, because several processes share few cores. */
const ANSWERED_WITHIN_MS = scaleDeadline(2 * 1_000);

let redis: RunningRedis;
let othersWire: FaultProxy;
let world: WiredCluster;

beforeAll(async () => {
  redis = await startRedis();
  othersWire = await startFaultProxy(redis.url);
  const [owners, others] = [redis.url, `redis://${othersWire.address}`];
  world = await startWiredCluster({ workers: [{ ISTHMUS_REDIS_URL: owners }, { ISTHMUS_REDIS_URL: others }] });
});

beforeEach(async () => {
  await world.untilConnected();
  world.resetArrivals();
});

afterAll(async () => {
  await world.close();
  await othersWire.close();
  await redis.stop();
});

describe('a forwarded call whose replies from Redis are lost', () => {
  it('is answered with an unknown outcome in time, and ran once', async () => {
    const client = await world.initialize(world.owner);
    await client.callAndRead(world.other, 'before');
    othersWire.blackhole('replies');
    const { value, ms } = await timed(() => client.callAndRead(world.other, 'lost'));
    expect(value.messages).toMatchObject([{ id: 'lost', ...OUTCOME_UNKNOWN }]);
    expect(ms).toBeLessThan(ANSWERED_WITHIN_MS);
    await world.legacy.arrived('lost');
    othersWire.sever();
    await world.untilConnected();
    expect(await client.callAndRead(world.other, 'after')).toMatchObject({ status: 200 });
    expect(world.legacy.arrivals('lost')).toBe(1);
    expect(world.duplicates()).toEqual([]);
    expect(world.unexpectedOutput()).toEqual([]);
  });

  it('never runs once it was revoked, although the confirmation of the revocation was lost', async () => {
    const client = await world.initialize(world.owner);
    await client.callAndRead(world.other, 'before');
    world.owner.kill('SIGSTOP');
    othersWire.blackhole('replies');
    const { value, ms } = await timed(() => client.callAndRead(world.other, 'lost'));
    expect(value.messages).toMatchObject([{ id: 'lost', ...OUTCOME_UNKNOWN }]);
    expect(ms).toBeLessThan(ANSWERED_WITHIN_MS);
    othersWire.sever();
    world.owner.kill('SIGCONT');
    await world.untilConnected();
    expect(await client.callAndRead(world.other, 'after')).toMatchObject({ status: 200 });
    expect(world.legacy.arrivals('lost')).toBe(0);
  });

  // About 16 s: 18 interruptions of 60 ms to 2 s, so that every step of a call is hit. Two longer ones in a row would fence the
  // worker on a slow machine.
  it('is answered with its true outcome, whichever commands and replies are lost or delayed', async () => {
    const traffic = await MixedTraffic.start(world);
    for (const heldMs of [60, 120, 200, 240, 280, 400, 700, 1_200, 2_000]) {
      for (const direction of ['replies', 'requests'] as const) {
        othersWire.blackhole(direction);
        await traffic.runFor(heldMs);
        if (direction === 'replies') othersWire.sever();
        else othersWire.resume();
        await traffic.runFor(200);
      }
    }
    await traffic.served();
    await traffic.stop();
    expect(traffic.falseReports()).toEqual([]);
    expect(world.duplicates()).toEqual([]);
    expect(world.unexpectedOutput()).toEqual([]);
  });
});
