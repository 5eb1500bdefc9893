import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result } from '#lib/mcp-protocol';
import { callerOf, childServer } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { until } from '../../test/support/until.js';
import { createCall, WorkerCluster, SERVER, type TestWorker } from '../affinity/testing.js';
import { RendezvousPlacement } from './rendezvous-placement.js';

const CHILD = childServer('child');
const NEVER = new AbortController().signal;
const KEYS = Array.from({ length: 60 }, (_, index) => `principal child {} tests|${index}`);
/** Long enough for a worker that is not listed to be gone. */
const SETTLED_MS = 7_000;

let neighbours: WorkerCluster;
let workers: TestWorker[];

const placementAt = ({ name, workers: known, server }: TestWorker) => new RendezvousPlacement(name, known, server.node);

/** A call of a client without a session, which arrives at this worker. */
const call = ({ calls }: TestWorker, subject = 'me', server = CHILD) =>
  calls.runWithoutSession(createCall(1, { caller: callerOf(subject), server }), new RecordingSink(), NEVER);

const live = () => workers.flatMap(({ connector }) => connector.live);
const holder = () => workers.find(({ connector }) => connector.live.length > 0);

beforeEach(async () => {
  Logger.overrideLogger(false);
  neighbours = new WorkerCluster();
  workers = [];
  for (let count = 0; count < 3; count += 1) workers.push(await neighbours.start({ servers: [SERVER, CHILD] }));
});

afterEach(async () => {
  await neighbours.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

describe('the place of a connection that no session owns', () => {
  it('is the same whichever worker is asked, and each has some', () => {
    const places = workers.map((worker) => KEYS.map((key) => placementAt(worker).ownerOf(key) ?? worker.name));
    expect(places[1]).toEqual(places[0]);
    expect(places[2]).toEqual(places[0]);
    expect(new Set(places[0])).toEqual(new Set(workers.map(({ name }) => name)));
  });

  it('changes only where it was at a worker that went', async () => {
    await neighbours.timer.advance(SETTLED_MS);
    const [one, , gone] = workers;
    if (!one || !gone) throw new Error('There are three workers.');
    const placement = placementAt(one);
    const before = KEYS.map((key) => placement.ownerOf(key));
    let changes = 0;
    placement.onChange(() => (changes += 1));
    await gone.close();
    await neighbours.heartbeat();
    expect([placement.isDead(gone.name), placement.isDead(one.name), changes > 0]).toEqual([true, false, true]);
    const after = KEYS.map((key) => placement.ownerOf(key));
    expect(after).not.toContain(gone.name);
    expect(after.filter((place, index) => place !== before[index] && before[index] !== gone.name)).toEqual([]);
  });
});

describe('a process that a principal’s clients share', () => {
  it('is one for all workers, wherever they connect', async () => {
    for (const worker of workers) expect(await call(worker)).toEqual(result({}));
    expect(live()).toHaveLength(1);
    expect(live()[0]?.sent).toHaveLength(3);
  });

  it('is another one for another principal', async () => {
    for (const worker of workers) await call(worker, 'you');
    for (const worker of workers) await call(worker, 'me');
    expect(live().map(({ sent }) => sent.length)).toEqual([3, 3]);
  });

  it('is started anew elsewhere when its worker is gone', async () => {
    await neighbours.timer.advance(SETTLED_MS);
    for (const worker of workers) await call(worker);
    const gone = holder();
    await gone?.close();
    await neighbours.heartbeat();
    const left = workers.filter((worker) => worker !== gone);
    for (const worker of left) expect(await neighbours.advanceUntilSettled(call(worker))).toEqual(result({}));
    expect(live()).toHaveLength(1);
    expect(live()[0]?.sent).toHaveLength(2);
  });

  it('stays where it is when a worker comes, as long as it is used there', async () => {
    const [one] = workers;
    if (!one) throw new Error('There are three workers.');
    const subjects = Array.from({ length: 12 }, (_, index) => `${index}`);
    for (const subject of subjects) await call(one, subject);
    const before = live();
    workers.push(await neighbours.start({ servers: [SERVER, CHILD] }));
    for (const subject of subjects) await call(one, subject);
    expect(live()).toEqual(before);
  });

  it('answers each call with what the server said, even when its worker leaves right then', async () => {
    const ingress = workers[0];
    if (!ingress) throw new Error('There are three workers.');
    const [first] = KEYS;
    if (first === undefined) throw new Error('There are keys.');
    const subjects = Array.from({ length: 12 }, (_, index) => `${index}`);
    for (const subject of subjects) await call(ingress, subject);
    const remote = workers.find(({ connector }) => connector !== ingress.connector && connector.live.length > 0);
    if (!remote) throw new Error('Twelve of twelve are at one worker.');
    remote.connector.respond = () => new Promise(() => undefined);
    const outcomes = subjects.map((subject) => call(ingress, subject));
    await until(() => remote.connector.opened.some(({ sent }) => sent.length > 1));
    await neighbours.timer.advance(SETTLED_MS);
    remote.server.node.stop();
    const ended = await neighbours.advanceUntilSettled(Promise.all(outcomes));
    for (const outcome of ended) {
      if (outcome.kind === 'result') expect(outcome).toEqual(result({}));
      else expect(outcome).toMatchObject({ error: { data: { outcome: 'unknown' } } });
    }
    expect(ended.filter(({ kind }) => kind === 'error')).toHaveLength(
      remote.connector.opened.filter(({ sent }) => sent.length > 1).length,
    );
  });
});

it('a server that keeps nothing about its callers is spoken to by each worker itself', async () => {
  for (const { connector } of workers) connector.eras.set('a', 'modern');
  for (const worker of workers) await call(worker, 'me', SERVER);
  expect(workers.map(({ connector }) => connector.live.length)).toEqual([1, 1, 1]);
});
