/** @waits */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js';
import { MixedTraffic } from '../support/mixed-traffic.js';
import { isMaster, orderRedis } from '../support/redis-orders.js';
import type { RoamingClient } from '../support/roaming-client.js';
import { startWiredCluster, type WiredCluster } from '../support/wired-cluster.js';

/** Shorter than a worker may be silent. */
const SHORT_SPLIT_MS = 2_500;

let one: RunningRedis;
let two: RunningRedis;
let ownersWire: FaultProxy;
let othersWire: FaultProxy;
let world: WiredCluster;

beforeEach(async () => {
  one = await startRedis({ settings: { 'repl-diskless-sync-delay': '0' } });
  two = await startRedis({ settings: { replicaof: `127.0.0.1 ${one.port}` } });
  ownersWire = await startFaultProxy(one.url);
  othersWire = await startFaultProxy(one.url);
  const envOf = ({ address }: FaultProxy) => ({ ISTHMUS_REDIS_URL: `redis://${address}` });
  world = await startWiredCluster({ workers: [envOf(ownersWire), envOf(othersWire)] });
});

afterEach(async () => {
  await world.close();
  await Promise.all([ownersWire.close(), othersWire.close()]);
  await Promise.all([one.stop(), two.stop()]);
});

/** From now on there are two masters, and each worker reaches another one. */
async function split(): Promise<void> {
  await orderRedis(two, 'REPLICAOF', 'NO', 'ONE');
  expect([await isMaster(one), await isMaster(two)]).toEqual([true, true]);
  ownersWire.lead(two.url);
  ownersWire.sever();
}

function heal(): void {
  ownersWire.lead(one.url);
  ownersWire.sever();
}

describe('workers that reach different masters', () => {
  it('for a moment run nothing twice, tell no lies, and keep their sessions', async () => {
    const traffic = await MixedTraffic.start(world);
    for (let round = 0; round < 3; round += 1) {
      await split();
      await traffic.goOn(SHORT_SPLIT_MS);
      heal();
      await traffic.served();
    }
    await traffic.stop();
    expect(traffic.lies()).toEqual([]);
    expect(world.duplicates()).toEqual([]);
    expect(world.complaints()).toEqual([]);
  });

  it('for long: where a session was once unknown it stays so, and its owner gives it up when it hears of that', async () => {
    const client = await world.initialize(world.owner);
    const marks: string[] = [];
    const ask = async (url: string, mark: string) => {
      marks.push(mark);
      return { mark, ...(await client.ask({ url }, mark)) };
    };
    expect(await ask(world.other.url, 'before')).toMatchObject({ status: 200 });
    await split();
    const refused = [];
    for (;;) {
      const answer = await ask(world.other.url, `at the other ${refused.length}`);
      refused.push(answer);
      if (answer.status === 404) break;
      expect(answer.status).toBeGreaterThanOrEqual(503);
      // Whose answer it is: its owner serves, and nobody else.
      expect(await ask(world.owner.url, `at its owner ${refused.length}`)).toMatchObject({ status: 200 });
    }
    const notExecuted = refused.filter(({ status }) => status !== 504).map(({ mark }) => mark);
    expect(notExecuted.filter((mark) => world.legacy.arrivals(mark) > 0)).toEqual([]);

    heal();
    await world.owner.printed(/has restarted/);
    await world.connected();
    expect(await statusesOf(client)).toEqual([404, 404]);
    expect(world.duplicates()).toEqual([]);
    expect(world.complaints()).toEqual([]);
  });
});

async function statusesOf(client: RoamingClient): Promise<number[]> {
  const answers = await Promise.all([
    client.ask(world.owner, 'at the end'),
    client.ask(world.other, 'at the very end'),
  ]);
  return answers.map(({ status }) => status);
}
