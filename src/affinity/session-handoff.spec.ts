import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import type { BusEnd } from '#lib/worker-bus';
import { childServer, remoteServer, settled } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { until } from '../../test/support/until.js';
import {
  createCall,
  BINDING,
  WorkerCluster,
  SERVER,
  type TestWorker,
  type TestWorkerOptions,
} from './worker-cluster-fixture.js';

const CHILD = childServer('child');
const MAKE_UP: TestWorkerOptions = { servers: [SERVER, CHILD] };
const RESOURCE = { server: SERVER, own: 'file:///x', uri: 'a+file:///x' };
const DONE = result({});
const sink = () => new RecordingSink();

let neighbours: WorkerCluster;
let leaver: TestWorker;
let others: [TestWorker, TestWorker];

beforeEach(async () => {
  Logger.overrideLogger(false);
  neighbours = new WorkerCluster();
  leaver = await neighbours.start(MAKE_UP);
  others = [await neighbours.start(MAKE_UP), await neighbours.start(MAKE_UP)];
});

afterEach(async () => {
  jest.restoreAllMocks();
  await neighbours.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

/** The others in the order in which they are asked to take the session. */
const ranked = (id: string) => neighbours.rankedFor(id, leaver);

const holders = (id: string): TestWorker[] => [leaver, ...others].filter(({ sessions }) => sessions.find(id));

/** A call that is under way at the leaver until it is answered. */
async function callUnderWay(session: ReturnType<TestWorker['open']>) {
  const answer = Promise.withResolvers<Outcome>();
  leaver.connector.respond = () => answer.promise;
  const outcome = session.call(createCall('slow'), sink());
  await until(() => leaver.connector.opened.some(({ sent }) => sent.length > 0));
  return { outcome, answer: () => answer.resolve(DONE) };
}

describe('a quiet session of a worker that leaves', () => {
  it('goes on at the worker that all agree on, and every worker finds it there', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.drain();
    expect(holders(id)).toEqual([heir]);
    for (const worker of [leaver, heir, third]) {
      const session = await worker.router.locate(id, BINDING);
      expect(session.location).toBe(worker === heir ? 'here' : 'elsewhere');
      expect(await session.call(createCall(1), sink())).toEqual(DONE);
    }
    expect(heir.connector.opened.flatMap(({ sent }) => sent)).toHaveLength(3);
    expect([...leaver.connector.opened, ...third.connector.opened]).toEqual([]);
  });

  it('is served by nobody else once it is served there', async () => {
    const session = leaver.open();
    await session.call(createCall(1), sink());
    const [heir] = ranked(session.id);
    const served: boolean[] = [];
    const adopt = heir.sessions.restore.bind(heir.sessions);
    jest.spyOn(heir.sessions, 'restore').mockImplementation((record) => {
      served.push(leaver.sessions.find(record.id) !== undefined, leaver.connector.live.length > 0);
      return adopt(record);
    });
    await leaver.drain();
    expect(served).toEqual([false, false]);
  });

  it('takes along its sessions at servers, its subscriptions, its log level and what was said to its client', async () => {
    const session = leaver.open();
    const before = sink();
    await session.openStream(before);
    await session.call(createCall(1), sink());
    await session.subscribe(RESOURCE);
    await session.setLogLevel('error');
    leaver.sessions.find(session.id)?.notify({ method: 'notifications/x', params: {} });
    const [heir] = ranked(session.id);
    await leaver.drain();
    expect(before.ended).toBe(true);
    expect(leaver.connector.opened.map(({ closedByUs }) => closedByUs)).toEqual([false]);
    expect(heir.connector.adopted).toMatchObject([{ server: 'a', sessionId: 'upstream-a' }]);
    expect(heir.sessions.find(session.id)?.logLevel).toBe('error');
    const after = sink();
    await (await heir.router.locate(session.id, BINDING)).openStream(after, '1-0');
    await after.until(({ summary }) => summary.includes('notifications/resources/updated'));
    expect(after.summary[0]).toBe('notifications/x');
    expect(heir.connector.opened).toHaveLength(1);
  });

  it('is told before it goes of a change that a burst has only begun with', async () => {
    const session = leaver.open();
    const stream = sink();
    await session.openStream(stream);
    const listening = () => leaver.connector.opened.flatMap(({ listeners }) => listeners);
    await until(() => listening().length > 0);
    for (const connection of leaver.connector.opened)
      connection.change({ method: 'notifications/tools/list_changed', params: {} });
    await leaver.drain();
    expect(stream.summary).toContain('notifications/tools/list_changed');
  });

  it('stays where nobody else is', async () => {
    const alone = new WorkerCluster();
    const worker = await alone.start();
    const session = worker.open();
    await session.call(createCall(1), sink());
    await worker.drain();
    expect(worker.sessions.find(session.id)?.isEnded).toBe(false);
    expect(worker.connector.live).toHaveLength(1);
    await alone.close();
  });
});

describe('an heir that does not take a session', () => {
  it.each<[string, (heir: TestWorker) => void]>([
    ['because it leaves itself', (heir) => heir.readiness.startDraining()],
    ['because it has no room', (heir) => Object.assign(heir.config, { maxSessions: 0 })],
  ])('%s, is followed by the next', async (_why, refuse) => {
    const { id } = leaver.open();
    const [first, second] = ranked(id);
    refuse(first);
    await leaver.drain();
    expect(holders(id)).toEqual([second]);
    expect(await (await leaver.router.locate(id, BINDING)).call(createCall(1), sink())).toEqual(DONE);
    expect(neighbours.directory.newOwners.get(id)).toBe(second.name);
  });

  it('is followed by the next when it cannot be reached', async () => {
    const { id } = leaver.open();
    const [first, second] = ranked(id);
    // Nobody has noticed yet that it is there no more.
    first.server.node.stop();
    await neighbours.advanceUntilSettled(leaver.drain());
    expect(holders(id)).toEqual([second]);
    expect(neighbours.directory.newOwners.get(id)).toBe(second.name);
  });

  it('is not even asked when it has left, however short a time ago', async () => {
    const { id } = leaver.open();
    const [first, second] = ranked(id);
    // Long enough for whoever is not listed to be gone.
    await neighbours.timer.advance(7_000);
    await first.close();
    const asked: string[] = [];
    leaver.interceptOffers((offer, to) => {
      asked.push(to);
      return offer();
    });
    await leaver.drain();
    expect([asked, holders(id)]).toEqual([[second.name], [second]]);
  });

  it('leaves it to its owner when there is no other: it stays as it was', async () => {
    const session = leaver.open();
    await session.call(createCall(1), sink());
    await session.subscribe(RESOURCE);
    for (const other of others) other.readiness.startDraining();
    await leaver.drain();
    expect(holders(session.id)).toEqual([leaver]);
    expect(neighbours.directory.newOwners.size).toBe(0);
    const back = await leaver.router.locate(session.id, BINDING);
    expect(back.location).toBe('here');
    expect(await back.call(createCall(2), sink())).toEqual(DONE);
    // The session at the server is the one that it had.
    expect(leaver.connector.adopted).toMatchObject([{ sessionId: 'upstream-a' }]);
    expect(leaver.connector.live).toHaveLength(1);
    await until(() => leaver.connector.live.some(({ listeners }) => listeners.length > 0));
    const [kept] = [...leaver.sessions.liveSessions];
    expect(kept && leaver.subscriptions.subscribedResources(kept)).toEqual([RESOURCE]);
  });

  it.each<[string, BusEnd]>([
    ['is silent', { kind: 'unknown', cause: 'deadline' }],
    ['dies', { kind: 'unknown', cause: 'owner-gone' }],
    ['cannot be heard', { kind: 'unknown', cause: 'relay' }],
    ['fails', { kind: 'failed' }],
    ['says what means nothing', { kind: 'value', value: 'yes' }],
  ])('for all that is known, since it %s, may have: nobody else gets it', async (_how, end) => {
    const { id } = leaver.open();
    const [first] = ranked(id);
    const asked: string[] = [];
    leaver.interceptOffers(async (_offer, to) => {
      asked.push(to);
      return end;
    });
    await leaver.drain();
    expect(asked).toEqual([first.name]);
    expect(holders(id)).toEqual([]);
    const session = await leaver.router.locate(id, BINDING);
    expect(await session.call(createCall(1), sink())).toMatchObject({ refused: true, httpStatus: 404 });
  });

  it('in whole, by a defect that shows after it began to, is the only one all the same', async () => {
    const session = leaver.open();
    await session.call(createCall(1), sink());
    const [first] = ranked(session.id);
    jest.spyOn(first.upstreams, 'restore').mockImplementation(() => {
      throw new TypeError('a defect');
    });
    await leaver.drain();
    expect(holders(session.id)).toEqual([first]);
  });
});

describe('what cannot leave at once', () => {
  it('follows when its last call is answered', async () => {
    const session = leaver.open();
    const call = await callUnderWay(session);
    await leaver.drain();
    expect(holders(session.id)).toEqual([leaver]);
    const closing = leaver.handoff.finish();
    await settled();
    call.answer();
    expect(await call.outcome).toMatchObject(DONE);
    await closing;
    expect(holders(session.id)).toEqual([ranked(session.id)[0]]);
    expect(leaver.connector.opened.map(({ closedByUs }) => closedByUs)).toEqual([false]);
  });

  it('follows also when its client called again in between', async () => {
    const session = leaver.open();
    const mine = leaver.sessions.find(session.id);
    if (!mine) throw new Error('It is not there.');
    const again = Promise.withResolvers<Outcome>();
    let second: Promise<Outcome> | undefined;
    const whenQuiet = mine.whenCallsFinished.bind(mine);
    jest.spyOn(mine, 'whenCallsFinished').mockImplementationOnce(async () => {
      await whenQuiet();
      leaver.connector.respond = () => again.promise;
      second = session.call(createCall('second'), sink());
    });
    const first = await callUnderWay(session);
    await leaver.drain();
    first.answer();
    await first.outcome;
    await settled();
    expect(holders(session.id)).toEqual([leaver]);
    again.resolve(DONE);
    expect(await second).toMatchObject(DONE);
    const [heir] = ranked(session.id);
    await until(() => heir.sessions.find(session.id) !== undefined);
    expect(holders(session.id)).toEqual([heir]);
  });

  it('stays if its one connection is all there is of it', async () => {
    const session = leaver.open({ transport: 'sse' });
    const stream = sink();
    await session.openStream(stream);
    await leaver.drain();
    expect([holders(session.id), stream.ended]).toEqual([[leaver], false]);
  });

  it('stays if a process of its own at the server is, and is closed with it', async () => {
    const anonymous = { ...BINDING.caller, anonymous: true };
    const session = leaver.open({ caller: anonymous });
    await session.call(createCall(1, { server: CHILD, caller: anonymous }), sink());
    for (const connection of leaver.connector.opened) connection.detachSession = undefined;
    await leaver.drain();
    expect(holders(session.id)).toEqual([leaver]);
    expect(leaver.connector.live).toHaveLength(1);
    expect(await session.call(createCall(2, { server: CHILD, caller: anonymous }), sink())).toEqual(DONE);
  });

  it('is what was opened since, and leaves before the worker closes', async () => {
    await leaver.drain();
    const { id } = leaver.open();
    expect(holders(id)).toEqual([leaver]);
    await leaver.handoff.finish();
    expect(holders(id)).toEqual([ranked(id)[0]]);
  });

  it('is not waited for longer than the worker has time', async () => {
    const session = leaver.open();
    const call = await callUnderWay(session);
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    let isOver = false;
    const closing = leaver.handoff.finish().then(() => (isOver = true));
    await jest.advanceTimersByTimeAsync(13_900);
    expect(isOver).toBe(false);
    await jest.advanceTimersByTimeAsync(200);
    await closing;
    jest.useRealTimers();
    call.answer();
    await call.outcome;
  });

  it('keeps what it has at servers if its client calls while others are given away', async () => {
    const first = leaver.open();
    // More than are on their way at a time: the first of all is given away last.
    for (let count = 0; count < 80; count += 1) leaver.open();
    const letGo = leaver.holdOffers();
    const leaving = leaver.drain();
    await until(() => leaver.sessions.size < 80);
    const call = await callUnderWay(first);
    letGo();
    await leaving;
    expect([leaver.sessions.size, leaver.connector.live.length]).toEqual([1, 1]);
    call.answer();
    await call.outcome;
    const [heir] = ranked(first.id);
    await until(() => heir.sessions.find(first.id) !== undefined);
    expect(heir.connector.adopted).toHaveLength(1);
    expect(leaver.connector.opened).toHaveLength(1);
  });
});

it('a server that the heir does not know costs the session nothing else', async () => {
  const [heir] = others;
  const lost = remoteServer('lost');
  leaver.registry.configure([SERVER, CHILD, lost]);
  const session = leaver.open();
  await session.call(createCall(1, { server: lost }), sink());
  await session.subscribe({ ...RESOURCE, server: lost, uri: 'lost+file:///x' });
  await session.subscribe(RESOURCE);
  await leaver.drain();
  const [home] = holders(session.id);
  expect(home?.connector.adopted.map(({ server }) => server)).not.toContain('lost');
  expect(
    [...(home?.sessions.liveSessions ?? [])].flatMap((kept) => home?.subscriptions.subscribedResources(kept) ?? []),
  ).toEqual([RESOURCE]);
  expect(heir.registry.snapshot.servers).not.toContain(lost);
});
