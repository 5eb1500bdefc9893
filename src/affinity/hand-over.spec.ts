import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import type { BusEnd } from '#lib/worker-bus';
import { childServer, remoteServer, settled } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { until } from '../../test/support/until.js';
import { callOf, MINE, Neighbours, SERVER, type Neighbour, type WorkerMakeUp } from './neighbours-fixture.js';

const CHILD = childServer('child');
const MAKE_UP: WorkerMakeUp = { servers: [SERVER, CHILD] };
const RESOURCE = { server: SERVER, own: 'file:///x', uri: 'a+file:///x' };
const DONE = result({});
const sink = () => new RecordingSink();

let neighbours: Neighbours;
let leaver: Neighbour;
let others: [Neighbour, Neighbour];

beforeEach(async () => {
  Logger.overrideLogger(false);
  neighbours = new Neighbours();
  leaver = await neighbours.start(MAKE_UP);
  others = [await neighbours.start(MAKE_UP), await neighbours.start(MAKE_UP)];
});

afterEach(async () => {
  jest.restoreAllMocks();
  await neighbours.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

/** The other workers in the order in which they are offered the session. */
const ranked = (id: string) => neighbours.rankedFor(id, leaver);

const holders = (id: string): Neighbour[] => [leaver, ...others].filter(({ sessions }) => sessions.find(id));

/** A call that is in flight at the draining worker until it is answered. */
async function callUnderWay(session: ReturnType<Neighbour['open']>) {
  const answer = Promise.withResolvers<Outcome>();
  leaver.connector.respond = () => answer.promise;
  const outcome = session.call(callOf('slow'), sink());
  await until(() => leaver.connector.opened.some(({ sent }) => sent.length > 0));
  return { outcome, answer: () => answer.resolve(DONE) };
}

describe('handoff of a session without in-flight calls', () => {
  it('hands a session off to the first worker of its rendezvous ranking, and every worker finds it there', async () => {
    const { id } = leaver.open();
    const [heir, third] = ranked(id);
    await leaver.leave();
    expect(holders(id)).toEqual([heir]);
    for (const worker of [leaver, heir, third]) {
      const session = await worker.router.locate(id, MINE);
      expect(session.place).toBe(worker === heir ? 'here' : 'elsewhere');
      expect(await session.call(callOf(1), sink())).toEqual(DONE);
    }
    expect(heir.connector.opened.flatMap(({ sent }) => sent)).toHaveLength(3);
    expect([...leaver.connector.opened, ...third.connector.opened]).toEqual([]);
  });

  it('stops serving a session before the new owner accepts it', async () => {
    const session = leaver.open();
    await session.call(callOf(1), sink());
    const [heir] = ranked(session.id);
    const served: boolean[] = [];
    const adopt = heir.sessions.adopt.bind(heir.sessions);
    jest.spyOn(heir.sessions, 'adopt').mockImplementation((record) => {
      served.push(leaver.sessions.find(record.id) !== undefined, leaver.connector.live.length > 0);
      return adopt(record);
    });
    await leaver.leave();
    expect(served).toEqual([false, false]);
  });

  it('hands off upstream sessions, subscriptions, the log level and the stored events with the session', async () => {
    const session = leaver.open();
    const before = sink();
    await session.openStream(before);
    await session.call(callOf(1), sink());
    await session.watch(RESOURCE);
    await session.setLogLevel('error');
    leaver.sessions.find(session.id)?.notify({ method: 'notifications/x', params: {} });
    const [heir] = ranked(session.id);
    await leaver.leave();
    expect(before.ended).toBe(true);
    expect(leaver.connector.opened.map(({ closedByUs }) => closedByUs)).toEqual([false]);
    expect(heir.connector.adopted).toMatchObject([{ server: 'a', sessionId: 'upstream-a' }]);
    expect(heir.sessions.find(session.id)?.logLevel).toBe('error');
    const after = sink();
    await (await heir.router.locate(session.id, MINE)).openStream(after, '1-0');
    await after.until(({ summary }) => summary.includes('notifications/resources/updated'));
    expect(after.summary[0]).toBe('notifications/x');
    expect(heir.connector.opened).toHaveLength(1);
  });

  it('sends a pending list change to the client before the session is handed off', async () => {
    const session = leaver.open();
    const stream = sink();
    await session.openStream(stream);
    const listening = () => leaver.connector.opened.flatMap(({ listeners }) => listeners);
    await until(() => listening().length > 0);
    for (const connection of leaver.connector.opened)
      connection.change({ method: 'notifications/tools/list_changed', params: {} });
    await leaver.leave();
    expect(stream.summary).toContain('notifications/tools/list_changed');
  });

  it('keeps a session when no other worker is alive', async () => {
    const alone = new Neighbours();
    const worker = await alone.start();
    const session = worker.open();
    await session.call(callOf(1), sink());
    await worker.leave();
    expect(worker.sessions.find(session.id)?.ended).toBe(false);
    expect(worker.connector.live).toHaveLength(1);
    await alone.close();
  });
});

describe('handoff to a worker that does not accept', () => {
  it.each<[string, (heir: Neighbour) => void]>([
    ['when the first is draining itself', (heir) => heir.readiness.leave()],
    ['when the first has reached its session limit', (heir) => Object.assign(heir.config, { maxSessions: 0 })],
  ])('offers a session to the next worker %s', async (_why, refuse) => {
    const { id } = leaver.open();
    const [first, second] = ranked(id);
    refuse(first);
    await leaver.leave();
    expect(holders(id)).toEqual([second]);
    expect(await (await leaver.router.locate(id, MINE)).call(callOf(1), sink())).toEqual(DONE);
    expect(neighbours.heirs.known.get(id)).toBe(second.name);
  });

  it('offers a session to the next worker when the first is unreachable', async () => {
    const { id } = leaver.open();
    const [first, second] = ranked(id);
    // The others have not noticed yet that this worker has stopped.
    first.server.node.stop();
    await neighbours.whileTimePasses(leaver.leave());
    expect(holders(id)).toEqual([second]);
    expect(neighbours.heirs.known.get(id)).toBe(second.name);
  });

  it('does not offer a session to a worker that has just left', async () => {
    const { id } = leaver.open();
    const [first, second] = ranked(id);
    // The relay is old enough after this time to report unlisted workers as dead.
    await neighbours.timer.advance(7_000);
    await first.close();
    const asked: string[] = [];
    leaver.onOffer((offer, to) => {
      asked.push(to);
      return offer();
    });
    await leaver.leave();
    expect([asked, holders(id)]).toEqual([[second.name], [second]]);
  });

  it('restores a session with its upstream session and subscriptions when no worker accepts it', async () => {
    const session = leaver.open();
    await session.call(callOf(1), sink());
    await session.watch(RESOURCE);
    for (const other of others) other.readiness.leave();
    await leaver.leave();
    expect(holders(session.id)).toEqual([leaver]);
    expect(neighbours.heirs.known.size).toBe(0);
    const back = await leaver.router.locate(session.id, MINE);
    expect(back.place).toBe('here');
    expect(await back.call(callOf(2), sink())).toEqual(DONE);
    // The restored session uses the same session at the server.
    expect(leaver.connector.adopted).toMatchObject([{ sessionId: 'upstream-a' }]);
    expect(leaver.connector.live).toHaveLength(1);
    await until(() => leaver.connector.live.some(({ listeners }) => listeners.length > 0));
    const [kept] = [...leaver.sessions.live];
    expect(kept && leaver.feeds.watchedBy(kept)).toEqual([RESOURCE]);
  });

  it.each<[string, BusEnd]>([
    ['does not reply in time', { kind: 'unknown', cause: 'deadline' }],
    ['dies', { kind: 'unknown', cause: 'owner-gone' }],
    ['replies while Redis fails', { kind: 'unknown', cause: 'relay' }],
    ['fails', { kind: 'failed' }],
    ['sends an invalid reply', { kind: 'value', value: 'yes' }],
  ])('offers a session to no further worker when the first %s, because it may have accepted', async (_how, end) => {
    const { id } = leaver.open();
    const [first] = ranked(id);
    const asked: string[] = [];
    leaver.onOffer(async (_offer, to) => {
      asked.push(to);
      return end;
    });
    await leaver.leave();
    expect(asked).toEqual([first.name]);
    expect(holders(id)).toEqual([]);
    const session = await leaver.router.locate(id, MINE);
    expect(await session.call(callOf(1), sink())).toMatchObject({ refused: true, httpStatus: 404 });
  });

  it('counts a session as accepted when the receiver fails after it began to restore it', async () => {
    const session = leaver.open();
    await session.call(callOf(1), sink());
    const [first] = ranked(session.id);
    jest.spyOn(first.upstreams, 'adopt').mockImplementation(() => {
      throw new TypeError('a defect');
    });
    await leaver.leave();
    expect(holders(session.id)).toEqual([first]);
  });
});

describe('handoff of a session that cannot move at once', () => {
  it('hands a session off when its last in-flight call is answered', async () => {
    const session = leaver.open();
    const call = await callUnderWay(session);
    await leaver.leave();
    expect(holders(session.id)).toEqual([leaver]);
    const closing = leaver.handOver.beforeApplicationShutdown();
    await settled();
    call.answer();
    expect(await call.outcome).toMatchObject(DONE);
    await closing;
    expect(holders(session.id)).toEqual([ranked(session.id)[0]]);
    expect(leaver.connector.opened.map(({ closedByUs }) => closedByUs)).toEqual([false]);
  });

  it('hands a session off later when its client sends a further call before it is idle', async () => {
    const session = leaver.open();
    const mine = leaver.sessions.find(session.id);
    if (!mine) throw new Error('The session does not exist.');
    const again = Promise.withResolvers<Outcome>();
    let second: Promise<Outcome> | undefined;
    const whenQuiet = mine.whenQuiet.bind(mine);
    jest.spyOn(mine, 'whenQuiet').mockImplementationOnce(async () => {
      await whenQuiet();
      leaver.connector.respond = () => again.promise;
      second = session.call(callOf('second'), sink());
    });
    const first = await callUnderWay(session);
    await leaver.leave();
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

  it('keeps an HTTP+SSE session until the worker stops, because it is bound to its connection', async () => {
    const session = leaver.open({ transport: 'sse' });
    const stream = sink();
    await session.openStream(stream);
    await leaver.leave();
    expect([holders(session.id), stream.ended]).toEqual([[leaver], false]);
  });

  it('keeps a session with its own process at a server until the worker stops', async () => {
    const anonymous = { ...MINE.caller, anonymous: true };
    const session = leaver.open({ caller: anonymous });
    await session.call(callOf(1, { server: CHILD, caller: anonymous }), sink());
    for (const connection of leaver.connector.opened) connection.surrender = undefined;
    await leaver.leave();
    expect(holders(session.id)).toEqual([leaver]);
    expect(leaver.connector.live).toHaveLength(1);
    expect(await session.call(callOf(2, { server: CHILD, caller: anonymous }), sink())).toEqual(DONE);
  });

  it('hands off sessions that were opened after the first run, before the worker closes', async () => {
    await leaver.leave();
    const { id } = leaver.open();
    expect(holders(id)).toEqual([leaver]);
    await leaver.handOver.beforeApplicationShutdown();
    expect(holders(id)).toEqual([ranked(id)[0]]);
  });

  it('waits for in-flight calls no longer than 14 seconds', async () => {
    const session = leaver.open();
    const call = await callUnderWay(session);
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    let isOver = false;
    const closing = leaver.handOver.beforeApplicationShutdown().then(() => (isOver = true));
    await jest.advanceTimersByTimeAsync(13_900);
    expect(isOver).toBe(false);
    await jest.advanceTimersByTimeAsync(200);
    await closing;
    jest.useRealTimers();
    call.answer();
    await call.outcome;
  });

  it('keeps the connections of a session whose client sends a call while others are handed off', async () => {
    const first = leaver.open();
    // More sessions than there are concurrent handoffs; the first session is handed off last.
    for (let count = 0; count < 80; count += 1) leaver.open();
    const letGo = leaver.holdOffers();
    const leaving = leaver.leave();
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

it('drops only the upstream session and subscription of a server that the new owner does not know', async () => {
  const [heir] = others;
  const lost = remoteServer('lost');
  leaver.registry.configure([SERVER, CHILD, lost]);
  const session = leaver.open();
  await session.call(callOf(1, { server: lost }), sink());
  await session.watch({ ...RESOURCE, server: lost, uri: 'lost+file:///x' });
  await session.watch(RESOURCE);
  await leaver.leave();
  const [home] = holders(session.id);
  expect(home?.connector.adopted.map(({ server }) => server)).not.toContain('lost');
  expect([...(home?.sessions.live ?? [])].flatMap((kept) => home?.feeds.watchedBy(kept) ?? [])).toEqual([RESOURCE]);
  expect(heir.registry.snapshot.servers).not.toContain(lost);
});
