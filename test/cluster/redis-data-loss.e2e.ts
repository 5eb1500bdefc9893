/** @waits */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { EventReader } from '../support/event-reader.js';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js';
import { INDEPENDENT_LANES, MixedTraffic } from '../support/mixed-traffic.js';
import { sendRedisCommand } from '../support/redis-commands.js';
import { nextMessage, type RoamingClient } from '../support/roaming-client.js';
import { startWiredCluster, type WiredCluster } from '../support/wired-cluster.js';

const WATCHED = 'test://watched-resource';
/** Longer than the time without a heartbeat after which a worker is considered dead, plus the time to detect that. */
const DEATH_DETECTED_MS = 7_500;

let redis: RunningRedis;
let ownersWire: FaultProxy;
let world: WiredCluster;

beforeEach(async () => {
  redis = await startRedis();
  ownersWire = await startFaultProxy(redis.url);
  const [owners, others] = [`redis://${ownersWire.address}`, redis.url];
  world = await startWiredCluster({ workers: [{ ISTHMUS_REDIS_URL: owners }, { ISTHMUS_REDIS_URL: others }] });
});

afterEach(async () => {
  await world.close();
  await ownersWire.close();
  await redis.stop();
});

describe('a Redis that loses its data four times', () => {
  // About 13 s each: calls continue for longer than the presence lifetime after the last loss.
  it.each([
    ['by FLUSHALL', () => sendRedisCommand(redis, 'FLUSHALL')],
    ['by a restart', () => redis.restart()],
  ])(
    '%s loses no session, and no call runs twice',
    async (_, lose) => {
      const traffic = await MixedTraffic.start(world);
      for (let round = 0; round < 4; round += 1) {
        await lose();
        await traffic.served();
      }
      await traffic.runFor(DEATH_DETECTED_MS);
      await traffic.served();
      await traffic.stop();
      expect(traffic.falseReports()).toEqual([]);
      expect(traffic.since(0, INDEPENDENT_LANES).filter(({ verdict }) => verdict !== 'answered')).toEqual([]);
      expect(world.duplicates()).toEqual([]);
      expect(world.unexpectedOutput()).toEqual([]);
    },
    scaleDeadline(180_000),
  );
});

/** The GET stream of a client that watches a resource, at the owner of its session. */
async function watching(): Promise<{
  readonly client: RoamingClient;
  readonly next: () => Promise<string | undefined>;
}> {
  const client = await world.initialize(world.owner);
  await client.request(world.owner, 'resources/subscribe', { uri: WATCHED });
  const stream = new EventReader(await client.stream(world.owner));
  let count = 0;
  const next = async () => {
    await client.callAndRead(world.owner, `touch ${(count += 1)}`, 'touch_resource', {});
    const { id, message } = await nextMessage(stream);
    expect(message).toMatchObject({ method: 'notifications/resources/updated', params: { uri: WATCHED } });
    return id;
  };
  return { client, next };
}

/** The answer of the other worker when a client resumes its stream after the owner was killed. */
async function resumeAfterDeath(client: RoamingClient, lastEventId: string | undefined) {
  for (;;) {
    const answer = await client.stream(world.other, lastEventId);
    if (answer.status === 200) {
      const stream = new EventReader(answer);
      await stream.rest();
      return { status: 200, ids: stream.events.filter(({ data }) => data !== '').map(({ id }) => id) };
    }
    await answer.text();
    // The status of the owner is unknown for a while.
    if (answer.status < 500) return { status: answer.status };
  }
}

describe('a client that resumes a stream after the session owner was killed', () => {
  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('receives 404 when Redis has lost a part of the missed events', async () => {
    const { client, next } = await watching();
    const before = [await next(), await next(), await next()];
    await sendRedisCommand(redis, 'FLUSHALL');
    const after = [await next(), await next()];
    world.owner.kill('SIGKILL');
    expect(await resumeAfterDeath(client, before[0])).toEqual({ status: 404 });
    expect(await resumeAfterDeath(client, before[1])).toEqual({ status: 404 });
    expect(await resumeAfterDeath(client, before[2])).toEqual({ status: 200, ids: after });
    expect(await resumeAfterDeath(client, after[0])).toEqual({ status: 200, ids: after.slice(1) });
  });

  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('receives 404 when a part of the missed events never reached Redis', async () => {
    const { client, next } = await watching();
    const before = [await next(), await next()];
    ownersWire.cut();
    expect(await next()).toBeUndefined();
    ownersWire.resume();
    await world.untilConnected();
    const after = [await next(), await next()];
    world.owner.kill('SIGKILL');
    expect(await resumeAfterDeath(client, before[0])).toEqual({ status: 404 });
    expect(await resumeAfterDeath(client, before[1])).toEqual({ status: 404 });
    expect(await resumeAfterDeath(client, after[0])).toEqual({ status: 200, ids: after.slice(1) });
  });
});
