import { afterEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { result } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { FakeArchive } from './session-archive-fixture.js';
import { createSession, limits, notificationEvent, sessionStart } from './session-pool-fixture.js';
import { SessionPool } from './session-pool.js';

const DONE = result({ content: [] });
const CHANGED = { method: 'notifications/tools/list_changed', params: {} };

function world() {
  const archive = new FakeArchive();
  const session = createSession({}, {}, archive);
  const sink = new RecordingSink();
  return { archive, session, sink };
}

describe('an event of a session with an archive', () => {
  it('stores an event before it sends it', async () => {
    const { archive, session, sink } = world();
    archive.hold();
    const call = session.beginCall(1, 'tools/call', sink);
    const sent = call.stream?.emit(notificationEvent('one'));
    expect([archive.appends, sink.events]).toEqual([2, []]);
    archive.release();
    await sent;
    expect(archive.summaryOf(session.id)).toEqual(['1-0 opened', '1-1 notification']);
    expect([sink.summary, sink.eventIds]).toEqual([
      ['opened', 'one'],
      ['1-0', '1-1'],
    ]);
  });

  it('sends events in order, whatever the order of the archive responses', async () => {
    const { archive, session, sink } = world();
    archive.hold();
    session.openServerStream(sink);
    const methods = Array.from({ length: 20 }, (_, index) => `notifications/${index}`);
    for (const method of methods) session.notify({ method, params: {} });
    archive.release();
    await sink.until(({ events }) => events.length > methods.length);
    expect(sink.summary).toEqual(['opened', ...methods]);
  });

  it('stores the call that the stream answers with every event', async () => {
    const { archive, session, sink } = world();
    session.openServerStream(new RecordingSink());
    const call = session.beginCall('x', 'tools/call', sink);
    await call.stream?.emit(notificationEvent('one'));
    const calls = archive.stored.get(session.id)?.map((event) => [event.stream, event.call?.requestId]);
    expect(calls).toEqual([
      [1, undefined],
      [2, 'x'],
      [2, 'x'],
    ]);
  });

  it('passes the back-pressure of a slow connection to the sender, without delaying the answer', async () => {
    const { session, sink } = world();
    const drained = Promise.withResolvers<void>();
    const call = session.beginCall(1, 'tools/call', sink);
    await call.stream?.emit({ kind: 'opened' });
    sink.emit = () => drained.promise;
    let isSent = false;
    const sending = Promise.resolve(call.stream?.emit(notificationEvent('one'))).then(() => (isSent = true));
    await call.finish(DONE);
    expect(isSent).toBe(false);
    drained.resolve();
    await sending;
  });
});

describe('the answer to a call of a session with an archive', () => {
  it('neither stores nor delays an answer that no event preceded (invariant 4)', () => {
    const { archive, session, sink } = world();
    archive.hold();
    expect(session.beginCall(1, 'tools/call', sink).finish(DONE)).toBe(DONE);
    expect(archive.appends).toBe(0);
  });

  it('stores the answer that ends a stream before it returns it, and counts the call as in flight until then', async () => {
    const { archive, session, sink } = world();
    const call = session.beginCall(1, 'tools/call', sink);
    await call.stream?.emit(notificationEvent('one'));
    archive.hold();
    const answer = call.finish(DONE);
    expect([session.isIdle, session.canMove]).toEqual([false, false]);
    archive.release();
    expect(await answer).toEqual({ ...DONE, eventId: '1-2' });
    expect(archive.summaryOf(session.id).at(-1)).toBe('1-2 answer');
    expect(session.isIdle).toBe(true);
  });

  it('sends the answer once to a client that resumes while the answer is being stored, and ends the stream', async () => {
    const { archive, session, sink } = world();
    const call = session.beginCall(1, 'tools/call', sink);
    await call.stream?.emit(notificationEvent('one'));
    archive.hold();
    const answer = call.finish(DONE);
    const resumed = new RecordingSink();
    session.resume('1-0', resumed);
    archive.release();
    expect(await answer).toEqual(DONE);
    expect([resumed.summary, resumed.ended]).toEqual([['one', 'answer 1'], true]);
    expect(resumed.eventIds).toEqual(['1-1', '1-2']);
  });
});

describe('a client that resumes at a living owner', () => {
  it('replays sent events, then events that are still being stored, each once', async () => {
    const { archive, session, sink } = world();
    const stream = session.openServerStream(sink);
    session.notify({ method: 'notifications/a', params: {} });
    await sink.until(({ events }) => events.length === 2);
    archive.hold();
    session.notify({ method: 'notifications/b', params: {} });
    stream.detach(sink);
    const resumed = new RecordingSink();
    session.resume('1-0', resumed);
    expect(resumed.summary).toEqual(['notifications/a']);
    archive.release();
    await resumed.until(({ events }) => events.length === 2);
    expect(resumed.eventIds).toEqual(['1-1', '1-2']);
  });

  it('replays all missed events from memory while the archive is down', async () => {
    const { archive, session, sink } = world();
    const stream = session.openServerStream(sink);
    await sink.until(({ events }) => events.length === 1);
    stream.detach(sink);
    archive.isDown = true;
    session.notify(CHANGED);
    const resumed = new RecordingSink();
    session.resume('1-0', resumed);
    await resumed.until(({ events }) => events.length === 1);
    expect(resumed.summary).toEqual([CHANGED.method]);
  });
});

describe('a session whose archive is down', () => {
  it('sends events without an id while the archive is down, because no other worker could resume from them', async () => {
    const { archive, session, sink } = world();
    const call = session.beginCall(1, 'tools/call', sink);
    await call.stream?.emit(notificationEvent('one'));
    archive.isDown = true;
    await call.stream?.emit(notificationEvent('two'));
    archive.isDown = false;
    await call.stream?.emit(notificationEvent('three'));
    expect(sink.summary).toEqual(['opened', 'one', 'two', 'three']);
    expect(sink.eventIds).toEqual(['1-0', '1-1', undefined, '1-3']);
    archive.isDown = true;
    expect(await call.finish(DONE)).toEqual(DONE);
  });

  it('replays events that were not stored without an id', async () => {
    const { archive, session, sink } = world();
    const call = session.beginCall(1, 'tools/call', sink);
    await call.stream?.emit(notificationEvent('one'));
    archive.isDown = true;
    await call.stream?.emit(notificationEvent('two'));
    const resumed = new RecordingSink();
    session.resume('1-1', resumed);
    expect([resumed.summary, resumed.eventIds]).toEqual([['two'], [undefined]]);
  });

  it('does not interrupt a stream while its client could not resume at the same position', async () => {
    const { archive, session, sink } = world();
    const call = session.beginCall(1, 'tools/call', sink);
    await call.stream?.emit(notificationEvent('one'));
    archive.isDown = true;
    await call.stream?.emit(notificationEvent('two'));
    call.stream?.interrupt();
    archive.isDown = false;
    void call.stream?.emit(notificationEvent('three'));
    call.stream?.interrupt();
    await call.finish(DONE);
    expect(sink.summary).toEqual(['opened', 'one', 'two', 'three', 'interrupted']);
  });
});

describe('the stored events of a session', () => {
  const pools: SessionPool[] = [];
  afterEach(() => {
    for (const pool of pools.splice(0)) pool.onApplicationShutdown();
  });

  async function poolOf() {
    const archive = new FakeArchive();
    const pool = new SessionPool(limits(), new SystemClock(), archive);
    pools.push(pool);
    const session = pool.open(sessionStart());
    const sink = new RecordingSink();
    session.openServerStream(sink);
    await sink.until(({ events }) => events.length === 1);
    return { archive, pool, session, sink };
  }

  it('deletes the stored events when the client ends the session, and stores no later answer', async () => {
    const { archive, session } = await poolOf();
    const call = session.beginCall(1, 'tools/call', new RecordingSink());
    await call.stream?.emit(notificationEvent('one'));
    session.end();
    expect(archive.deleted).toEqual([session.id]);
    expect(await call.finish(DONE)).toEqual(DONE);
    expect(archive.stored.size).toBe(0);
  });

  it('retains the stored events when the worker shuts down, and still stores later answers', async () => {
    const { archive, pool, session } = await poolOf();
    const call = session.beginCall(1, 'tools/call', new RecordingSink());
    await call.stream?.emit(notificationEvent('one'));
    pool.endAll();
    expect([pool.size, call.signal.aborted]).toEqual([0, true]);
    await call.finish(DONE);
    expect(archive.deleted).toEqual([]);
    expect(archive.summaryOf(session.id).at(-1)).toBe('2-2 answer');
  });

  it('deletes nothing for a session that stored no event', () => {
    const archive = new FakeArchive();
    const session = createSession({}, {}, archive);
    session.beginCall(1, 'tools/call', new RecordingSink());
    session.end();
    expect(archive.deleted).toEqual([]);
  });

  it('stores no events of an HTTP+SSE session', () => {
    const archive = new FakeArchive();
    const session = createSession({ answersOnServerStream: true }, {}, archive);
    const sink = new RecordingSink();
    session.openServerStream(sink);
    session.unsolicited.markInitialized();
    session.notify(CHANGED);
    expect([sink.summary, archive.appends]).toEqual([['opened', CHANGED.method], 0]);
  });

  it('ends the stream of an ended session once the earlier events are stored', async () => {
    const { archive, session, sink } = await poolOf();
    archive.hold();
    session.notify(CHANGED);
    session.end();
    expect(sink.ended).toBe(false);
    archive.release();
    await sink.until(({ ended }) => ended);
    expect(sink.summary).toEqual(['opened', CHANGED.method]);
  });
});

describe('a session whose archive fails and recovers at any time', () => {
  const steps = fc.array(fc.constantFrom('say', 'leave', 'come back', 'fail', 'mend', 'hold', 'release'), {
    maxLength: 60,
  });

  it('never loses an event, and repeats only events that were sent without an id', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const { archive, session } = world();
        let connection = new RecordingSink();
        let stream: ReturnType<typeof session.resume> = session.openServerStream(connection);
        await connection.until(({ events }) => events.length === 1);
        const received: unknown[] = [];
        let [count, lastSeen] = [0, '1-0'];
        const read = () => {
          for (const event of connection.events.splice(0)) {
            const eventId = 'eventId' in event ? event.eventId : undefined;
            lastSeen = eventId ?? lastSeen;
            if (event.kind !== 'notification') continue;
            const { n } = event.notification.params;
            // An event without an id may be repeated.
            if (received.includes(n))
              expect(received.indexOf(n)).toBeGreaterThanOrEqual(Number(lastSeen.split('-')[1]) - 1);
            else received.push(n);
          }
        };
        const act: Record<string, () => void> = {
          say: () => session.notify({ method: 'notifications/x', params: { n: (count += 1) } }),
          leave: () => stream?.detach(connection),
          fail: () => (archive.isDown = true),
          mend: () => (archive.isDown = false),
          hold: () => archive.hold(),
          release: () => archive.release(),
          'come back': () => {
            read();
            connection = new RecordingSink();
            stream = session.resume(lastSeen, connection);
          },
        };
        for (const step of [...script, 'come back', 'release']) {
          act[step]?.();
          // Some of the pending deliveries run, others do not.
          await Promise.resolve();
        }
        await new Promise((resolve) => setImmediate(resolve));
        read();
        expect(received).toEqual(Array.from({ length: count }, (_, index) => index + 1));
      }),
    );
  });
});
