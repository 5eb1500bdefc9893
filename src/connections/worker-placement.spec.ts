import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import { callerOf, childServer } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { until } from '../../test/support/until.js';
import { createCall, WorkerCluster, SERVER, type TestWorker } from '../affinity/testing.js';
import { RendezvousPlacement } from './rendezvous-placement.js';
import { WorkerPlacement } from './worker-placement.js';

const CHILD = childServer('child');
const NEVER = new AbortController().signal;
const KEYS = Array.from({ length: 60 }, (_, index) => `principal child {} tests|${index}`);
/** The relay is old enough after this time to report unlisted workers as dead. */
const SETTLED_MS = 7_000;

let cluster: WorkerCluster;
let workers: TestWorker[];

const placementAt = ({ name, workers: known, server }: TestWorker) =>
  new WorkerPlacement(name, known, server.node, new SystemClock(), new RendezvousPlacement());

/** Sends a call of a client without a session to this worker. */
const call = ({ calls }: TestWorker, subject = 'me', server = CHILD) =>
  calls.runWithoutSession(createCall(1, { caller: callerOf(subject), server }), new RecordingSink(), NEVER);

const live = () => workers.flatMap(({ connector }) => connector.live);
const holder = () => workers.find(({ connector }) => connector.live.length > 0);

beforeEach(async () => {
  Logger.overrideLogger(false);
  cluster = new WorkerCluster();
  workers = [];
  for (let count = 0; count < 3; count += 1) workers.push(await cluster.start({ servers: [SERVER, CHILD] }));
});

afterEach(async () => {
  await cluster.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

describe('WorkerPlacement', () => {
  it('selects the same worker for a key on every worker, and uses all workers', () => {
    const places = workers.map((worker) => KEYS.map((key) => placementAt(worker).ownerOf(key, CHILD) ?? worker.name));
    expect(places[1]).toEqual(places[0]);
    expect(places[2]).toEqual(places[0]);
    expect(new Set(places[0])).toEqual(new Set(workers.map(({ name }) => name)));
  });

  it('moves only the keys of a worker that has died', async () => {
    await cluster.clock.advance(SETTLED_MS);
    const [one, , dead] = workers;
    if (!one || !dead) throw new Error('The cluster must have three workers.');
    const placement = placementAt(one);
    const before = KEYS.map((key) => placement.ownerOf(key, CHILD));
    let changes = 0;
    placement.onChange(() => (changes += 1));
    await dead.close();
    await cluster.heartbeat();
    expect([placement.isDead(dead.name), placement.isDead(one.name), changes > 0]).toEqual([true, false, true]);
    const after = KEYS.map((key) => placement.ownerOf(key, CHILD));
    expect(after).not.toContain(dead.name);
    expect(after.filter((place, index) => place !== before[index] && before[index] !== dead.name)).toEqual([]);
  });
});

const ANSWER = { ...result({}), serverEra: 'legacy' };

describe('a shared process of one principal', () => {
  it('is started once for all workers, wherever its clients connect', async () => {
    for (const worker of workers) expect(await call(worker)).toEqual(ANSWER);
    expect(live()).toHaveLength(1);
    expect(live()[0]?.sent).toHaveLength(3);
  });

  it('is not shared with another principal', async () => {
    for (const worker of workers) await call(worker, 'you');
    for (const worker of workers) await call(worker, 'me');
    expect(live().map(({ sent }) => sent.length)).toEqual([3, 3]);
  });

  it('is started again on another worker when its worker dies', async () => {
    await cluster.clock.advance(SETTLED_MS);
    for (const worker of workers) await call(worker);
    const dead = holder();
    await dead?.close();
    await cluster.heartbeat();
    const remaining = workers.filter((worker) => worker !== dead);
    for (const worker of remaining) expect(await cluster.advanceUntilSettled(call(worker))).toEqual(ANSWER);
    expect(live()).toHaveLength(1);
    expect(live()[0]?.sent).toHaveLength(2);
  });

  it('stays on its worker when a new worker joins while it is used', async () => {
    const [one] = workers;
    if (!one) throw new Error('The cluster must have three workers.');
    const subjects = Array.from({ length: 12 }, (_, index) => `${index}`);
    for (const subject of subjects) await call(one, subject);
    const before = live();
    workers.push(await cluster.start({ servers: [SERVER, CHILD] }));
    for (const subject of subjects) await call(one, subject);
    expect(live()).toEqual(before);
  });

  it('returns the server’s result or an unknown outcome when its worker dies during calls', async () => {
    const ingress = workers[0];
    if (!ingress) throw new Error('The cluster must have three workers.');
    const [first] = KEYS;
    if (first === undefined) throw new Error('KEYS must not be empty.');
    const subjects = Array.from({ length: 12 }, (_, index) => `${index}`);
    for (const subject of subjects) await call(ingress, subject);
    const remote = workers.find(({ connector }) => connector !== ingress.connector && connector.live.length > 0);
    if (!remote) throw new Error('All twelve connections are on one worker.');
    remote.connector.respond = () => new Promise(() => undefined);
    const outcomes = subjects.map((subject) => call(ingress, subject));
    await until(() => remote.connector.opened.some(({ sent }) => sent.length > 1));
    await cluster.clock.advance(SETTLED_MS);
    remote.server.node.stop();
    const ended = await cluster.advanceUntilSettled(Promise.all(outcomes));
    for (const outcome of ended) {
      if (outcome.kind === 'result') expect(outcome).toEqual(ANSWER);
      else expect(outcome).toMatchObject({ error: { data: { outcome: 'unknown' } } });
    }
    expect(ended.filter(({ kind }) => kind === 'error')).toHaveLength(
      remote.connector.opened.filter(({ sent }) => sent.length > 1).length,
    );
  });
});

it('opens a separate connection on each worker for a server without per-caller state', async () => {
  for (const { connector } of workers) connector.eras.set('a', 'modern');
  for (const worker of workers) await call(worker, 'me', SERVER);
  expect(workers.map(({ connector }) => connector.live.length)).toEqual([1, 1, 1]);
});
