/** @waits */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js';
import { MixedTraffic } from '../support/mixed-traffic.js';
import { isMaster, sendRedisCommand } from '../support/redis-commands.js';
import type { RoamingClient } from '../support/roaming-client.js';
import { startWiredCluster, type WiredCluster } from '../support/wired-cluster.js';

/** Shorter than the time without a heartbeat after which a worker is considered dead. */
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

/** Makes the replica a second master: each worker reaches a different one. */
async function split(): Promise<void> {
  await sendRedisCommand(two, 'REPLICAOF', 'NO', 'ONE');
  expect([await isMaster(one), await isMaster(two)]).toEqual([true, true]);
  ownersWire.redirectTo(two.url);
  ownersWire.sever();
}

function heal(): void {
  ownersWire.redirectTo(one.url);
  ownersWire.sever();
}

describe('workers that reach different Redis masters (split brain)', () => {
  // About 12 s: three splits of 2.5 s, each shorter than the presence lifetime.
  it('run no call twice, report true outcomes and keep their sessions after a short split', async () => {
    const traffic = await MixedTraffic.start(world);
    for (let round = 0; round < 3; round += 1) {
      await split();
      await traffic.runFor(SHORT_SPLIT_MS);
      heal();
      await traffic.served();
    }
    await traffic.stop();
    expect(traffic.falseReports()).toEqual([]);
    expect(world.duplicates()).toEqual([]);
    expect(world.unexpectedOutput()).toEqual([]);
  });

  // About 9 s: the split lasts until one worker considers the other dead.
  it('keep a session unknown after a long split once one worker has answered 404, and its owner closes it', async () => {
    const client = await world.initialize(world.owner);
    const marks: string[] = [];
    const ask = async (url: string, mark: string) => {
      marks.push(mark);
      return { mark, ...(await client.callAndRead({ url }, mark)) };
    };
    expect(await ask(world.other.url, 'before')).toMatchObject({ status: 200 });
    await split();
    const refused = [];
    for (;;) {
      const answer = await ask(world.other.url, `at the other ${refused.length}`);
      refused.push(answer);
      if (answer.status === 404) break;
      expect(answer.status).toBeGreaterThanOrEqual(503);
      // Only the owner serves the session.
      expect(await ask(world.owner.url, `at its owner ${refused.length}`)).toMatchObject({ status: 200 });
    }
    const notExecuted = refused.filter(({ status }) => status !== 504).map(({ mark }) => mark);
    expect(notExecuted.filter((mark) => world.legacy.arrivals(mark) > 0)).toEqual([]);

    heal();
    await world.owner.printed(/has restarted/);
    await world.untilConnected();
    expect(await statusesOf(client)).toEqual([404, 404]);
    expect(world.duplicates()).toEqual([]);
    expect(world.unexpectedOutput()).toEqual([]);
  });
});

async function statusesOf(client: RoamingClient): Promise<number[]> {
  const answers = await Promise.all([
    client.callAndRead(world.owner, 'at the end'),
    client.callAndRead(world.other, 'at the very end'),
  ]);
  return answers.map(({ status }) => status);
}
