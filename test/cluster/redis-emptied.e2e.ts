/** @waits */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { EventReader } from '../support/event-reader.js';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js';
import { INDEPENDENT, MixedTraffic } from '../support/mixed-traffic.js';
import { orderRedis } from '../support/redis-orders.js';
import { nextOf, type RoamingClient } from '../support/roaming-client.js';
import { startWiredCluster, type WiredCluster } from '../support/wired-cluster.js';

const WATCHED = 'test://watched-resource';
/** Longer than a worker may be silent before it is taken for dead, and than it takes to find that out. */
const LONGER_THAN_LIFE_MS = 7_500;

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

describe('a Redis that loses its data again and again', () => {
  it.each([
    ['by an order', () => orderRedis(redis, 'FLUSHALL')],
    ['by a restart', () => redis.restart()],
  ])(
    '%s costs no session, and nothing runs twice',
    async (_, lose) => {
      const traffic = await MixedTraffic.start(world);
      for (let round = 0; round < 4; round += 1) {
        await lose();
        await traffic.served();
      }
      await traffic.goOn(LONGER_THAN_LIFE_MS);
      await traffic.served();
      await traffic.stop();
      expect(traffic.lies()).toEqual([]);
      expect(traffic.since(0, INDEPENDENT).filter(({ verdict }) => verdict !== 'answered')).toEqual([]);
      expect(world.duplicates()).toEqual([]);
      expect(world.complaints()).toEqual([]);
    },
    scaleDeadline(180_000),
  );
});

/** The standing stream of a client that watches a resource, at the owner of its session. */
async function watching(): Promise<{
  readonly client: RoamingClient;
  readonly next: () => Promise<string | undefined>;
}> {
  const client = await world.initialize(world.owner);
  await client.request(world.owner, 'resources/subscribe', { uri: WATCHED });
  const stream = new EventReader(await client.stream(world.owner));
  let count = 0;
  const next = async () => {
    await client.ask(world.owner, `touch ${(count += 1)}`, 'touch_resource', {});
    const { id, message } = await nextOf(stream);
    expect(message).toMatchObject({ method: 'notifications/resources/updated', params: { uri: WATCHED } });
    return id;
  };
  return { client, next };
}

/** What a client is told at the other worker that comes back once the owner was killed. */
async function toldAfterDeath(client: RoamingClient, lastEventId: string | undefined) {
  for (;;) {
    const answer = await client.stream(world.other, lastEventId);
    if (answer.status === 200) {
      const stream = new EventReader(answer);
      await stream.rest();
      return { status: 200, ids: stream.events.filter(({ data }) => data !== '').map(({ id }) => id) };
    }
    await answer.text();
    // For a while it cannot be told what became of the owner.
    if (answer.status < 500) return { status: answer.status };
  }
}

describe('a client that comes back for a stream after its owner was killed', () => {
  it('is refused where Redis has lost a part of what it missed', async () => {
    const { client, next } = await watching();
    const before = [await next(), await next(), await next()];
    await orderRedis(redis, 'FLUSHALL');
    const after = [await next(), await next()];
    world.owner.kill('SIGKILL');
    expect(await toldAfterDeath(client, before[0])).toEqual({ status: 404 });
    expect(await toldAfterDeath(client, before[1])).toEqual({ status: 404 });
    expect(await toldAfterDeath(client, before[2])).toEqual({ status: 200, ids: after });
    expect(await toldAfterDeath(client, after[0])).toEqual({ status: 200, ids: after.slice(1) });
  });

  it('is refused where a part of what it missed never reached Redis', async () => {
    const { client, next } = await watching();
    const before = [await next(), await next()];
    ownersWire.cut();
    expect(await next()).toBeUndefined();
    ownersWire.resume();
    await world.connected();
    const after = [await next(), await next()];
    world.owner.kill('SIGKILL');
    expect(await toldAfterDeath(client, before[0])).toEqual({ status: 404 });
    expect(await toldAfterDeath(client, before[1])).toEqual({ status: 404 });
    expect(await toldAfterDeath(client, after[0])).toEqual({ status: 200, ids: after.slice(1) });
  });
});
