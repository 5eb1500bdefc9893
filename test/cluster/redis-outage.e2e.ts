/** @waits */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { EventReader } from '../support/event-reader.js';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js';
import { DEPENDENT, INDEPENDENT, MixedTraffic } from '../support/mixed-traffic.js';
import type { RoamingClient } from '../support/roaming-client.js';
import { startWiredCluster, type WiredCluster } from '../support/wired-cluster.js';

/** Longer than a worker may be silent before it is taken for dead, and than it takes to find that out. */
const LONGER_THAN_LIFE_MS = 7_500;
/** Promised within a second; twice, as several processes share few cores. */
const REFUSED_WITHIN_MS = scaleDeadline(2 * 1_000);
const BACK_WITHIN_MS = scaleDeadline(2 * 2_000);
const UNAFFECTED_MS = scaleDeadline(2 * 1_000);

let redis: RunningRedis;
let wire: FaultProxy;
let world: WiredCluster;

beforeAll(async () => {
  redis = await startRedis();
  wire = await startFaultProxy(redis.url);
  const env = { ISTHMUS_REDIS_URL: `redis://${wire.address}` };
  world = await startWiredCluster({ workers: [env, env] });
});

beforeEach(async () => {
  await world.connected();
  world.resetArrivals();
});

afterAll(async () => {
  await world.close();
  await wire.close();
  await redis.stop();
});

interface Outage {
  readonly begin: () => Promise<void> | void;
  readonly end: () => Promise<void> | void;
  /** Until workers know that it is gone: at once where connections break, after a silence where they do not. */
  readonly noticedMs: number;
}

const OUTAGES: readonly [string, Outage][] = [
  ['killed', { begin: () => redis.kill('SIGKILL'), end: () => redis.restart(), noticedMs: 1_000 }],
  ['paused', { begin: () => redis.kill('SIGSTOP'), end: () => redis.kill('SIGCONT'), noticedMs: 3_000 }],
  ['out of reach', { begin: () => wire.cut(), end: () => wire.resume(), noticedMs: 1_000 }],
  ['a black hole', { begin: () => wire.blackhole(), end: () => wire.resume(), noticedMs: 3_000 }],
];

/** Begins a call that the server holds. On a busy machine Redis may be late for a moment, and the call is refused. */
async function beginHeld(client: RoamingClient, name: string) {
  for (let attempt = 0; ; attempt += 1) {
    const id = `held ${attempt}, ${name}`;
    const answer = await client.call(world.other, id, 'hold', { key: id });
    if (answer.status === 503) {
      await answer.text();
      continue;
    }
    const stream = new EventReader(answer);
    await stream.message();
    return { id, stream };
  }
}

describe('a Redis that is', () => {
  it.each(OUTAGES)(
    '%s takes along only what needs it, and not for longer',
    async (name, outage) => {
      const traffic = await MixedTraffic.start(world);
      // Whoever came first also waited for two processes to warm up.
      const warm = performance.now();
      const client = await world.initialize(world.owner);
      const { id, stream: held } = await beginHeld(client, name);

      await outage.begin();
      const begun = performance.now();
      expect(await held.rest()).toMatchObject([{ id, error: { code: -31_002, data: { outcome: 'unknown' } } }]);
      expect(performance.now() - begun).toBeLessThan(scaleDeadline(2 * outage.noticedMs));
      await traffic.goOn(LONGER_THAN_LIFE_MS);
      await outage.end();
      const ended = performance.now();
      expect(await traffic.served(ended)).toBeLessThan(BACK_WITHIN_MS);
      // Nobody is taken for dead for not having been announced meanwhile.
      await traffic.goOn(LONGER_THAN_LIFE_MS);
      await traffic.served();
      await traffic.stop();

      expect(traffic.lies()).toEqual([]);
      expect(traffic.since(0, INDEPENDENT).filter(({ verdict }) => verdict !== 'answered')).toEqual([]);
      expect(traffic.since(warm, INDEPENDENT).filter(({ ms }) => ms > UNAFFECTED_MS)).toEqual([]);
      // What was accepted already ends as the held one did.
      expect(traffic.since(warm, DEPENDENT).filter(({ ms }) => ms > scaleDeadline(2 * outage.noticedMs))).toEqual([]);
      expect(traffic.since(begun, DEPENDENT).filter(({ ms }) => ms > REFUSED_WITHIN_MS)).toEqual([]);
      const during = traffic.since(begun, ['forwarded']).filter((each) => each.begun + each.ms < ended);
      expect(during.filter(({ verdict }) => verdict === 'answered')).toEqual([]);
      expect(during.at(-1)).toMatchObject({ code: -31_007 });
      expect(world.legacy.arrivals(id)).toBe(1);
      expect(world.duplicates()).toEqual([]);
      expect(world.complaints()).toEqual([]);
    },
    scaleDeadline(180_000),
  );
});
