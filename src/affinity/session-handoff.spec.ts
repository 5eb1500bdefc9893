import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import type { BusEnd } from '#lib/worker-bus';
import { childServer, LEGACY_CLIENT, remoteServer, settled } from '../../test/support/fake-upstream.js';
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

let cluster: WorkerCluster;
let drainingWorker: TestWorker;
let others: [TestWorker, TestWorker];

beforeEach(async () => {
  Logger.overrideLogger(false);
  cluster = new WorkerCluster();
  drainingWorker = await cluster.start(MAKE_UP);
  others = [await cluster.start(MAKE_UP), await cluster.start(MAKE_UP)];
});

afterEach(async () => {
  jest.restoreAllMocks();
  await cluster.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

/** The other workers in the order in which they are offered the session. */
const ranked = (id: string) => cluster.rankedFor(id, drainingWorker);

const holders = (id: string): TestWorker[] => [drainingWorker, ...others].filter(({ sessions }) => sessions.find(id));

/** A call that is in flight at the draining worker until it is answered. */
async function callUnderWay(session: ReturnType<TestWorker['open']>) {
  const answer = Promise.withResolvers<Outcome>();
  drainingWorker.connector.respond = () => answer.promise;
  const outcome = session.call(createCall('slow'), sink());
  await until(() => drainingWorker.connector.opened.some(({ sent }) => sent.length > 0));
  return { outcome, answer: () => answer.resolve(DONE) };
}

describe('handoff of a session whose client leaves a question unanswered that belongs to no call', () => {
  it('withdraws the question after five seconds, and the server gets an error', async () => {
    const session = drainingWorker.open({ client: { ...LEGACY_CLIENT, capabilities: { roots: {} } } });
    const stream = sink();
    await session.openStream(stream);
    await session.call(createCall(1), sink());
    const answer = drainingWorker.connector.opened[0]?.ask({ method: 'roots/list', params: {} });
    const refused = answer?.catch((cause: unknown) => String(cause));
    await stream.until(({ summary }) => summary.includes('question 1'));
    const [newOwner] = ranked(session.id);
    await drainingWorker.drain();
    expect(holders(session.id)).toEqual([drainingWorker]);
    await cluster.clock.advance(5_000);
    expect(await refused).toContain('withdrawn');
    await until(() => holders(session.id).includes(newOwner));
    expect(holders(session.id)).toEqual([newOwner]);
  });
});

describe('a question that belongs to no call, at a draining worker', () => {
  const ROOTS = { method: 'roots/list', params: {} };
  const withRoots = { ...LEGACY_CLIENT, capabilities: { roots: {} } };

  it('reaches the client while a call is in flight', async () => {
    const session = drainingWorker.open({ client: withRoots });
    const stream = sink();
    await session.openStream(stream);
    const call = await callUnderWay(session);
    await drainingWorker.drain();
    const answer = drainingWorker.connector.opened[0]?.ask(ROOTS);
    await stream.until(({ summary }) => summary.includes('question 1'));
    await session.answer(1, { result: { roots: [] } });
    expect(await answer).toEqual({ result: { roots: [] } });
    call.answer();
    await call.outcome;
  });

  it('reaches the client of a session that cannot be handed off', async () => {
    const own = childServer('own', { isolation: 'session' });
    drainingWorker.registry.configure([SERVER, own]);
    const session = drainingWorker.open({ endpoint: 'own', client: withRoots });
    const stream = sink();
    await session.openStream(stream);
    await session.call(createCall(1, { server: own, client: withRoots }), sink());
    const child = drainingWorker.connector.opened.find(({ server }) => server === own);
    if (child) child.detachSession = undefined;
    const first = child?.ask(ROOTS);
    await stream.until(({ summary }) => summary.includes('question 1'));
    await drainingWorker.drain();
    const second = child?.ask(ROOTS);
    await stream.until(({ summary }) => summary.includes('question 2'));
    await cluster.clock.advance(5_000);
    for (const id of [1, 2]) await session.answer(id, { result: { roots: [] } });
    expect(await Promise.all([first, second])).toEqual([{ result: { roots: [] } }, { result: { roots: [] } }]);
  });
});

describe('handoff of a session without in-flight calls', () => {
  it('hands a session off to the first worker of its rendezvous ranking, and every worker finds it there', async () => {
    const { id } = drainingWorker.open();
    const [newOwner, third] = ranked(id);
    await drainingWorker.drain();
    expect(holders(id)).toEqual([newOwner]);
    for (const worker of [drainingWorker, newOwner, third]) {
      const session = await worker.router.locate(id, BINDING);
      expect(session.location).toBe(worker === newOwner ? 'local' : 'remote');
      expect(await session.call(createCall(1), sink())).toMatchObject(DONE);
    }
    expect(newOwner.connector.opened.flatMap(({ sent }) => sent)).toHaveLength(3);
    expect([...drainingWorker.connector.opened, ...third.connector.opened]).toEqual([]);
  });

  it('stops serving a session before the new owner accepts it', async () => {
    const session = drainingWorker.open();
    await session.call(createCall(1), sink());
    const [newOwner] = ranked(session.id);
    const served: boolean[] = [];
    const adopt = newOwner.sessions.restore.bind(newOwner.sessions);
    jest.spyOn(newOwner.sessions, 'restore').mockImplementation((record) => {
      served.push(drainingWorker.sessions.find(record.id) !== undefined, drainingWorker.connector.live.length > 0);
      return adopt(record);
    });
    await drainingWorker.drain();
    expect(served).toEqual([false, false]);
  });

  it('hands off upstream sessions, subscriptions, the log level and the stored events with the session', async () => {
    const session = drainingWorker.open();
    const before = sink();
    await session.openStream(before);
    await session.call(createCall(1), sink());
    await session.subscribe(RESOURCE);
    await session.setLogLevel('error');
    drainingWorker.sessions.find(session.id)?.notify({ method: 'notifications/x', params: {} });
    const [newOwner] = ranked(session.id);
    await drainingWorker.drain();
    expect(before.ended).toBe(true);
    expect(drainingWorker.connector.opened.map(({ closedByUs }) => closedByUs)).toEqual([false]);
    expect(newOwner.connector.adopted).toMatchObject([{ server: 'a', sessionId: 'upstream-a' }]);
    expect(newOwner.sessions.find(session.id)?.logLevel).toBe('error');
    const after = sink();
    await (await newOwner.router.locate(session.id, BINDING)).openStream(after, '1-0');
    await after.until(({ summary }) => summary.includes('notifications/resources/updated'));
    expect(after.summary[0]).toBe('notifications/x');
    expect(newOwner.connector.opened).toHaveLength(1);
  });

  it('sends a pending list change to the client before the session is handed off', async () => {
    const session = drainingWorker.open();
    const stream = sink();
    await session.openStream(stream);
    const listening = () => drainingWorker.connector.opened.flatMap(({ listeners }) => listeners);
    await until(() => listening().length > 0);
    for (const connection of drainingWorker.connector.opened)
      connection.emitChange({ method: 'notifications/tools/list_changed', params: {} });
    await drainingWorker.drain();
    expect(stream.summary).toContain('notifications/tools/list_changed');
  });

  it('keeps a session when no other worker is alive', async () => {
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

describe('handoff to a worker that does not accept', () => {
  it.each<[string, (newOwner: TestWorker) => void]>([
    ['when the first is draining itself', (newOwner) => newOwner.readiness.startDraining()],
    ['when the first has reached its session limit', (newOwner) => Object.assign(newOwner.config, { maxSessions: 0 })],
  ])('offers a session to the next worker %s', async (_why, refuse) => {
    const { id } = drainingWorker.open();
    const [first, second] = ranked(id);
    refuse(first);
    await drainingWorker.drain();
    expect(holders(id)).toEqual([second]);
    expect(await (await drainingWorker.router.locate(id, BINDING)).call(createCall(1), sink())).toMatchObject(DONE);
    expect(cluster.directory.newOwners.get(id)).toBe(second.name);
  });

  it('offers a session to the next worker when the first is unreachable', async () => {
    const { id } = drainingWorker.open();
    const [first, second] = ranked(id);
    // The others have not noticed yet that this worker has stopped.
    first.server.node.stop();
    await cluster.advanceUntilSettled(drainingWorker.drain());
    expect(holders(id)).toEqual([second]);
    expect(cluster.directory.newOwners.get(id)).toBe(second.name);
  });

  it('does not offer a session to a worker that has just left', async () => {
    const { id } = drainingWorker.open();
    const [first, second] = ranked(id);
    // The relay is old enough after this time to report unlisted workers as dead.
    await cluster.clock.advance(7_000);
    await first.close();
    const offeredTo: string[] = [];
    drainingWorker.interceptOffers((offer, to) => {
      offeredTo.push(to);
      return offer();
    });
    await drainingWorker.drain();
    expect([offeredTo, holders(id)]).toEqual([[second.name], [second]]);
  });

  it('restores a session with its upstream session and subscriptions when no worker accepts it', async () => {
    const session = drainingWorker.open();
    await session.call(createCall(1), sink());
    await session.subscribe(RESOURCE);
    for (const other of others) other.readiness.startDraining();
    await drainingWorker.drain();
    expect(holders(session.id)).toEqual([drainingWorker]);
    expect(cluster.directory.newOwners.size).toBe(0);
    const back = await drainingWorker.router.locate(session.id, BINDING);
    expect(back.location).toBe('local');
    expect(await back.call(createCall(2), sink())).toMatchObject(DONE);
    // The restored session uses the same session at the server.
    expect(drainingWorker.connector.adopted).toMatchObject([{ sessionId: 'upstream-a' }]);
    expect(drainingWorker.connector.live).toHaveLength(1);
    await until(() => drainingWorker.connector.live.some(({ listeners }) => listeners.length > 0));
    const [kept] = [...drainingWorker.sessions.liveSessions];
    expect(kept && drainingWorker.subscriptions.subscribedResources(kept)).toEqual([RESOURCE]);
  });

  it.each<[string, BusEnd]>([
    ['does not reply in time', { kind: 'unknown', cause: 'deadline' }],
    ['dies', { kind: 'unknown', cause: 'owner-dead' }],
    ['replies while Redis fails', { kind: 'unknown', cause: 'relay' }],
    ['fails', { kind: 'failed' }],
    ['sends an invalid reply', { kind: 'value', value: 'yes' }],
  ])('offers a session to no further worker when the first %s, because it may have accepted', async (_how, end) => {
    const { id } = drainingWorker.open();
    const [first] = ranked(id);
    const offeredTo: string[] = [];
    drainingWorker.interceptOffers(async (_offer, to) => {
      offeredTo.push(to);
      return end;
    });
    await drainingWorker.drain();
    expect(offeredTo).toEqual([first.name]);
    expect(holders(id)).toEqual([]);
    const session = await drainingWorker.router.locate(id, BINDING);
    expect(await session.call(createCall(1), sink())).toMatchObject({ refused: true, httpStatus: 404 });
  });

  it('counts a session as accepted when the receiver fails after it began to restore it', async () => {
    const session = drainingWorker.open();
    await session.call(createCall(1), sink());
    const [first] = ranked(session.id);
    jest.spyOn(first.upstreams, 'restore').mockImplementation(() => {
      throw new TypeError('a defect');
    });
    await drainingWorker.drain();
    expect(holders(session.id)).toEqual([first]);
  });
});

describe('handoff of a session that cannot move at once', () => {
  it('hands a session off when its last in-flight call is answered', async () => {
    const session = drainingWorker.open();
    const call = await callUnderWay(session);
    await drainingWorker.drain();
    expect(holders(session.id)).toEqual([drainingWorker]);
    const closing = drainingWorker.handoff.finish(cluster.clock);
    await settled();
    call.answer();
    expect(await call.outcome).toMatchObject(DONE);
    await closing;
    expect(holders(session.id)).toEqual([ranked(session.id)[0]]);
    expect(drainingWorker.connector.opened.map(({ closedByUs }) => closedByUs)).toEqual([false]);
  });

  it('hands a session off later when its client sends a further call before it is idle', async () => {
    const session = drainingWorker.open();
    const local = drainingWorker.sessions.find(session.id);
    if (!local) throw new Error('The session does not exist.');
    const again = Promise.withResolvers<Outcome>();
    let second: Promise<Outcome> | undefined;
    const whenQuiet = local.whenCallsFinished.bind(local);
    jest.spyOn(local, 'whenCallsFinished').mockImplementationOnce(async () => {
      await whenQuiet();
      drainingWorker.connector.respond = () => again.promise;
      second = session.call(createCall('second'), sink());
    });
    const first = await callUnderWay(session);
    await drainingWorker.drain();
    first.answer();
    await first.outcome;
    await settled();
    expect(holders(session.id)).toEqual([drainingWorker]);
    again.resolve(DONE);
    expect(await second).toMatchObject(DONE);
    const [newOwner] = ranked(session.id);
    await until(() => newOwner.sessions.find(session.id) !== undefined);
    expect(holders(session.id)).toEqual([newOwner]);
  });

  it('keeps an HTTP+SSE session until the worker stops, because it is bound to its connection', async () => {
    const session = drainingWorker.open({ transport: 'sse' });
    const stream = sink();
    await session.openStream(stream);
    await drainingWorker.drain();
    expect([holders(session.id), stream.ended]).toEqual([[drainingWorker], false]);
  });

  it('keeps a session with its own process at a server until the worker stops', async () => {
    const anonymous = { ...BINDING.caller, anonymous: true };
    const session = drainingWorker.open({ caller: anonymous });
    await session.call(createCall(1, { server: CHILD, caller: anonymous }), sink());
    for (const connection of drainingWorker.connector.opened) connection.detachSession = undefined;
    await drainingWorker.drain();
    expect(holders(session.id)).toEqual([drainingWorker]);
    expect(drainingWorker.connector.live).toHaveLength(1);
    expect(await session.call(createCall(2, { server: CHILD, caller: anonymous }), sink())).toMatchObject(DONE);
  });

  it('hands off sessions that were opened after the first run, before the worker closes', async () => {
    await drainingWorker.drain();
    const { id } = drainingWorker.open();
    expect(holders(id)).toEqual([drainingWorker]);
    await drainingWorker.handoff.finish(cluster.clock);
    expect(holders(id)).toEqual([ranked(id)[0]]);
  });

  it('waits for in-flight calls no longer than 14 seconds', async () => {
    const session = drainingWorker.open();
    const call = await callUnderWay(session);
    let isOver = false;
    const closing = drainingWorker.handoff.finish(cluster.clock).then(() => (isOver = true));
    await cluster.clock.advance(13_900);
    expect(isOver).toBe(false);
    await cluster.clock.advance(200);
    await closing;
    call.answer();
    await call.outcome;
  });

  it('keeps the connections of a session whose client sends a call while others are handed off', async () => {
    const first = drainingWorker.open();
    // More sessions than there are concurrent handoffs; the first session is handed off last.
    for (let count = 0; count < 80; count += 1) drainingWorker.open();
    const releaseOffers = drainingWorker.holdOffers();
    const leaving = drainingWorker.drain();
    await until(() => drainingWorker.sessions.size < 80);
    const call = await callUnderWay(first);
    releaseOffers();
    await leaving;
    expect([drainingWorker.sessions.size, drainingWorker.connector.live.length]).toEqual([1, 1]);
    call.answer();
    await call.outcome;
    const [newOwner] = ranked(first.id);
    await until(() => newOwner.sessions.find(first.id) !== undefined);
    expect(newOwner.connector.adopted).toHaveLength(1);
    expect(drainingWorker.connector.opened).toHaveLength(1);
  });
});

it('drops only the upstream session and subscription of a server that the new owner does not know', async () => {
  const [other] = others;
  const lost = remoteServer('lost');
  drainingWorker.registry.configure([SERVER, CHILD, lost]);
  const session = drainingWorker.open();
  await session.call(createCall(1, { server: lost }), sink());
  await session.subscribe({ ...RESOURCE, server: lost, uri: 'lost+file:///x' });
  await session.subscribe(RESOURCE);
  await drainingWorker.drain();
  const [newOwner] = holders(session.id);
  expect(newOwner?.connector.adopted.map(({ server }) => server)).not.toContain('lost');
  expect(
    [...(newOwner?.sessions.liveSessions ?? [])].flatMap((kept) => newOwner?.subscriptions.subscribedResources(kept)),
  ).toEqual([RESOURCE]);
  expect(other.registry.snapshot.servers).not.toContain(lost);
});
