import { beforeEach, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import type { WorkerBusServer } from '#lib/worker-bus';
import type { Coordination } from '../coordination/index.js';
import type { Database } from '../database/index.js';
import { LifecycleConfig, Readiness, type EventLoopDelay } from '../lifecycle/index.js';
import { ReadinessChecks } from './readiness-checks.js';

let clock: ManualClock;
let readiness: Readiness;
let isRedisReady: boolean;
let membership: { state: 'ready' | 'unavailable' };
let delayMs: number;
let queries: PromiseWithResolvers<boolean>[];

beforeEach(() => {
  clock = new ManualClock();
  readiness = new Readiness();
  isRedisReady = true;
  membership = { state: 'ready' };
  delayMs = 0;
  queries = [];
  const commands = {
    get isReady() {
      return isRedisReady;
    },
  };
  const coordination = { redis: { commands } } as unknown as Coordination;
  // A database that answers when a spec says so.
  const database = {
    isAnswering: () => {
      const query = Promise.withResolvers<boolean>();
      queries.push(query);
      return query.promise;
    },
  } as unknown as Database;
  const delay = { readMeanMs: () => delayMs } as unknown as EventLoopDelay;
  const bus = { node: { membership } } as unknown as WorkerBusServer;
  new ReadinessChecks(
    readiness,
    new LifecycleConfig(),
    coordination,
    database,
    bus,
    delay,
    clock,
  ).onApplicationBootstrap();
});

const namesOf = async (probe: ReturnType<Readiness['findImpaired']>): Promise<readonly string[]> =>
  (await probe).map(({ name }) => name);

/** Names of the impaired parts, apart from the database. */
async function impaired(): Promise<readonly string[]> {
  const found = namesOf(readiness.findImpaired());
  await clock.advance(1_000);
  return (await found).filter((name) => name !== 'database');
}

const answerDatabase = async (isAnswering: boolean): Promise<void> => {
  queries.at(-1)?.resolve(isAnswering);
  await clock.advance(0);
};

it('names Redis while it is not connected, and not the subscriptions that are lost with it', async () => {
  isRedisReady = false;
  membership.state = 'unavailable';
  await impaired();
  await clock.advance(60_000);
  expect(await impaired()).toEqual(['redis']);
});

it('names subscriptions that stay lost for five seconds while Redis is connected', async () => {
  membership.state = 'unavailable';
  expect(await impaired()).toEqual([]);
  await clock.advance(5_000);
  expect(await impaired()).toEqual(['subscriptions']);
  membership.state = 'ready';
  expect(await impaired()).toEqual([]);
});

it('names an event loop whose mean delay exceeds the maximum', async () => {
  delayMs = 1_000;
  expect(await impaired()).toEqual([]);
  delayMs = 1_400;
  expect(await impaired()).toEqual(['event-loop']);
});

it('asks the database once a second, however many probes arrive', async () => {
  const probes = () => Array.from({ length: 50 }, () => readiness.findImpaired());
  const first = probes();
  await answerDatabase(true);
  expect(await Promise.all([...first, ...probes()])).toEqual(Array.from({ length: 100 }, () => []));
  expect(queries).toHaveLength(1);
  await clock.advance(1_000);
  await Promise.all(probes());
  expect(queries).toHaveLength(2);
});

it('waits a quarter of a second for the first answer of the database, and for no later one', async () => {
  const first = namesOf(readiness.findImpaired());
  await clock.advance(250);
  expect(await first).toEqual(['database']);
  await answerDatabase(true);
  await clock.advance(1_000);
  // The database hangs from now on.
  expect(await namesOf(readiness.findImpaired())).toEqual([]);
  expect(queries).toHaveLength(2);
  await answerDatabase(false);
  expect(await namesOf(readiness.findImpaired())).toEqual(['database']);
});

it('names no finding about the database that is older than a minute', async () => {
  const first = namesOf(readiness.findImpaired());
  await answerDatabase(true);
  expect(await first).toEqual([]);
  await clock.advance(60_000);
  const later = namesOf(readiness.findImpaired());
  await answerDatabase(false);
  expect(await later).toEqual(['database']);
});
