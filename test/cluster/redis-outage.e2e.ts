/** @waits */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import type { EventReader } from '../support/event-reader.js';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js';
import { DEPENDENT_LANES, INDEPENDENT_LANES, MixedTraffic } from '../support/mixed-traffic.js';
import type { RoamingClient } from '../support/roaming-client.js';
import { startWiredCluster, type WiredCluster } from '../support/wired-cluster.js';

/** Longer than the time without a heartbeat after which a worker is considered dead, plus the time to detect that. */
const DEATH_DETECTED_MS = 7_500;
/** Promised within a second; doubled, because several processes share few cores. */
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
  await world.untilConnected();
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
  /** The time until workers detect the outage: at once when connections break, otherwise after a silence. */
  readonly noticedMs: number;
}

const OUTAGES: readonly [string, Outage][] = [
  ['killed', { begin: () => redis.kill('SIGKILL'), end: () => redis.restart(), noticedMs: 1_000 }],
  ['paused', { begin: () => redis.kill('SIGSTOP'), end: () => redis.kill('SIGCONT'), noticedMs: 3_000 }],
  ['unreachable', { begin: () => wire.cut(), end: () => wire.resume(), noticedMs: 1_000 }],
  ['a black hole', { begin: () => wire.blackhole(), end: () => wire.resume(), noticedMs: 3_000 }],
];

/**
 * Starts a call at the other worker that stays in flight at the owner. On a slow machine Redis itself may answer one call
 * too late, whose outcome is then already unknown: another one is sent.
 */
async function holdCall(
  client: RoamingClient,
  name: string,
): Promise<{ readonly mark: string; readonly stream: EventReader }> {
  for (let attempt = 0; ; attempt += 1) {
    const mark = `held ${attempt}, ${name}`;
    const stream = await client.openStream(world.other, mark, 'hold', { key: mark }).catch(() => undefined);
    if (stream !== undefined && 'method' in (await stream.message())) return { mark, stream };
  }
}

describe('an outage of Redis', () => {
  // About 20 s each: only an outage longer than the presence lifetime shows that no worker is considered dead for it.
  it.each(OUTAGES)(
    'while Redis is %s, only requests that need Redis fail, and they succeed again soon afterwards',
    async (name, outage) => {
      const traffic = await MixedTraffic.start(world);
      // Earlier requests also waited for two processes to warm up.
      const warm = performance.now();
      const client = await world.initialize(world.owner);
      const held = await holdCall(client, name);

      await outage.begin();
      const begun = performance.now();
      const unknown = { code: -31_002, data: { outcome: 'unknown' } };
      expect(await held.stream.rest()).toMatchObject([{ id: held.mark, error: unknown }]);
      expect(performance.now() - begun).toBeLessThan(scaleDeadline(2 * outage.noticedMs));
      await traffic.runFor(DEATH_DETECTED_MS);
      await outage.end();
      const ended = performance.now();
      expect(await traffic.served(ended)).toBeLessThan(BACK_WITHIN_MS);
      // No worker may be considered dead because its heartbeats failed during the outage.
      await traffic.runFor(DEATH_DETECTED_MS);
      await traffic.served();
      await traffic.stop();

      expect(traffic.falseReports()).toEqual([]);
      expect(traffic.since(0, INDEPENDENT_LANES).filter(({ verdict }) => verdict !== 'answered')).toEqual([]);
      expect(traffic.delayed(warm, INDEPENDENT_LANES, UNAFFECTED_MS)).toEqual([]);
      // Calls that were already accepted end as the held one did.
      expect(traffic.delayed(warm, DEPENDENT_LANES, scaleDeadline(2 * outage.noticedMs))).toEqual([]);
      expect(traffic.delayed(begun, DEPENDENT_LANES, REFUSED_WITHIN_MS)).toEqual([]);
      const during = traffic.since(begun, ['forwarded']).filter((each) => each.begun + each.ms < ended);
      expect(during.filter(({ verdict }) => verdict === 'answered')).toEqual([]);
      expect(during.at(-1)).toMatchObject({ code: -31_007 });
      expect(world.legacy.arrivals(held.mark)).toBe(1);
      expect(world.duplicates()).toEqual([]);
      expect(world.unexpectedOutput()).toEqual([]);
    },
    scaleDeadline(180_000),
  );
});
