import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { result } from '#lib/mcp-protocol';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { createSession, notificationEvent } from './session-pool-fixture.js';
import type { Session } from './session.js';

const DONE = result({ content: [] });
const CHANGED = { method: 'notifications/tools/list_changed', params: {} };

/** Resumes a stream after the last event that the client saw. */
function resumed(session: Session, lastEventId: string) {
  const sink = new RecordingSink();
  return { sink, stream: session.resume(lastEventId, sink) };
}

describe('a call of a session', () => {
  it('returns the outcome of a call unchanged if no event preceded it', () => {
    const sink = new RecordingSink();
    const call = createSession().beginCall(1, 'tools/call', sink);
    expect(call.finish(DONE)).toBe(DONE);
    expect(sink.events).toEqual([]);
  });

  it('adds an event id to an answer that events preceded, so that the client can fetch it again', () => {
    const session = createSession();
    const sink = new RecordingSink();
    const call = session.beginCall(1, 'tools/call', sink);
    void call.stream?.emit(notificationEvent('notifications/progress'));
    expect(call.finish(DONE)).toEqual({ ...DONE, eventId: '1-2' });
    const reconnected = resumed(session, '1-1');
    expect(reconnected.sink.summary).toEqual(['answer 1']);
    expect(reconnected.sink.ended).toBe(true);
  });

  it('continues the stream of a call over a resumed connection, including the answer', () => {
    const session = createSession();
    const call = session.beginCall('a', 'tools/call', new RecordingSink());
    void call.stream?.emit(notificationEvent('one'));
    const reconnected = resumed(session, '1-0');
    void call.stream?.emit(notificationEvent('two'));
    expect(reconnected.sink.ended).toBe(false);
    void call.finish(DONE);
    expect(reconnected.sink.summary).toEqual(['one', 'two', 'answer a']);
    expect(reconnected.sink.ended).toBe(true);
  });

  it('loses no event of a call when the resumed connection closes too', () => {
    const session = createSession();
    const call = session.beginCall('a', 'tools/call', new RecordingSink());
    void call.stream?.emit(notificationEvent('one'));
    const { sink, stream } = resumed(session, '1-1');
    stream?.detach(sink);
    void call.stream?.emit(notificationEvent('two'));
    void call.finish(DONE);
    expect(resumed(session, '1-1').sink.summary).toEqual(['two', 'answer a']);
  });

  it('aborts only the call with the cancelled request id', () => {
    const session = createSession();
    const [one, other] = [session.beginCall(1, 'tools/call'), session.beginCall('1', 'tools/call')];
    session.cancel(1, 'too slow');
    session.cancel('unknown');
    expect([one.signal.aborted, other.signal.aborted]).toEqual([true, false]);
    expect(one.signal.reason).toBe('too slow');
  });

  it('aborts a call whose cancellation arrived first (invariant 7)', () => {
    const session = createSession();
    session.cancel(1);
    const signals = [1, 1, 2].map((id) => session.beginCall(id, 'tools/call', new RecordingSink()).signal);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, false]);
  });

  it('does not abort a call that reuses the id of an ended call that was cancelled late', () => {
    const session = createSession();
    void session.beginCall(1, 'tools/call', new RecordingSink()).finish(DONE);
    session.cancel(1);
    expect(session.beginCall(1, 'tools/call', new RecordingSink()).signal.aborted).toBe(false);
  });

  it('aborts all parts of a cancelled request, begun or not', () => {
    const session = createSession();
    const first = session.beginCall(1, 'tools/list');
    session.cancel(1);
    void first.finish(DONE);
    const signals = [first, session.beginCall(1, 'tools/list'), session.beginCall(1, 'tools/list')].map(
      ({ signal }) => signal,
    );
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
  });

  it('rejects calls beyond the limit until another call is finished', () => {
    const session = createSession({}, { maxCallsPerSession: 2 });
    const first = session.beginCall(1, 'tools/call');
    session.beginCall(2, 'tools/call');
    const third = () => session.beginCall(3, 'tools/call');
    expect(third).toThrow(expect.objectContaining({ code: -31003, httpStatus: 429 }));
    void first.finish(DONE);
    expect(third).not.toThrow();
  });

  it('rejects a call of an ended session', () => {
    const session = createSession();
    session.end();
    expect(() => session.beginCall(1, 'tools/call')).toThrow(
      expect.objectContaining({ httpStatus: 404, data: { outcome: 'not_executed', retriable: false } }),
    );
  });
});

describe('the server stream of a session', () => {
  it('sends notifications outside any call on the server stream', () => {
    const session = createSession();
    const sink = new RecordingSink();
    session.openServerStream(sink);
    session.notify(CHANGED);
    expect(sink.summary).toEqual(['opened', CHANGED.method]);
  });

  it('replays notifications that were sent between two connections of the server stream', () => {
    const session = createSession();
    const first = new RecordingSink();
    session.openServerStream(first).detach(first);
    session.notify(CHANGED);
    const { sink, stream } = resumed(session, '1-0');
    session.notify(CHANGED);
    expect(sink.summary).toEqual([CHANGED.method, CHANGED.method]);
    expect(stream).toBe(session.serverStream);
  });

  it('sends an event id on every new connection of the server stream', () => {
    const session = createSession();
    const [first, second] = [new RecordingSink(), new RecordingSink()];
    session.openServerStream(first);
    session.openServerStream(second);
    expect(first.ended).toBe(true);
    expect(second.eventIds).toEqual(['1-1']);
  });

  it('numbers the events of the server stream and of calls separately', () => {
    const session = createSession();
    session.openServerStream(new RecordingSink());
    const sink = new RecordingSink();
    void session.beginCall(1, 'tools/call', sink).stream?.emit(notificationEvent('a'));
    expect(sink.eventIds).toEqual(['2-0', '2-1']);
  });

  it('filters log messages below the level of the session', () => {
    const session = createSession();
    const sink = new RecordingSink();
    session.openServerStream(sink);
    session.logLevel = 'warning';
    for (const level of ['debug', 'notice', 'warning', 'alert']) {
      session.notify({ method: 'notifications/message', params: { level } });
    }
    expect(sink.events.slice(1)).toMatchObject([
      { notification: { params: { level: 'warning' } } },
      { notification: { params: { level: 'alert' } } },
    ]);
  });

  it('sends all events of an HTTP+SSE session on the server stream and records none', () => {
    const session = createSession({ answersOnServerStream: true });
    const sink = new RecordingSink();
    session.openServerStream(sink);
    const call = session.beginCall(1, 'tools/call', new RecordingSink());
    void call.stream?.emit(notificationEvent('progress'));
    expect(sink.summary).toEqual(['opened', 'progress']);
    expect(call.finish(DONE)).toBe(DONE);
    expect(sink.ended).toBe(false);
    expect(() => resumed(session, '1-0')).toThrow('Cannot replay the events');
  });
});

describe('a client that resumes', () => {
  it('rejects a resumption whose missed events were evicted or are unknown', () => {
    const session = createSession({}, { replayEvents: 2 });
    session.openServerStream(new RecordingSink());
    for (let count = 0; count < 5; count += 1) session.notify(CHANGED);
    expect(() => resumed(session, '1-0')).toThrow(expect.objectContaining({ httpStatus: 400 }));
    expect(() => resumed(session, '7-7')).toThrow('Cannot replay the events after "7-7"');
    expect(() => resumed(createSession(), '1-0')).toThrow('Cannot replay the events');
  });
});

describe('a client that loses its connection and resumes at any time', () => {
  const steps = fc.array(fc.constantFrom('say', 'leave', 'come back'), { maxLength: 60 });

  it('receives every event once and in order, or a rejection', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 20 }), (script, replayEvents) => {
        const session = createSession({}, { replayEvents });
        const received: unknown[] = [];
        let [sent, lastSeen] = [0, ''];
        let connection = new RecordingSink();
        let stream: ReturnType<Session['resume']> = session.openServerStream(connection);
        const read = () => {
          for (const event of connection.events.splice(0)) {
            if ('eventId' in event) lastSeen = event.eventId ?? lastSeen;
            if (event.kind === 'notification') received.push(event.notification.params['n']);
          }
        };
        const resume = () => {
          read();
          connection = new RecordingSink();
          stream = session.resume(lastSeen, connection);
        };
        try {
          for (const step of [...script, 'come back']) {
            if (step === 'say') session.notify({ method: 'notifications/x', params: { n: (sent += 1) } });
            else if (step === 'leave') stream?.detach(connection);
            else resume();
          }
        } catch (error) {
          expect(error).toMatchObject({ httpStatus: 400 });
        }
        read();
        expect(received).toEqual(Array.from({ length: received.length }, (_, index) => index + 1));
        if (replayEvents > sent) expect(received).toHaveLength(sent);
      }),
    );
  });
});

describe('the end of a session', () => {
  it('cancels the calls, ends the server stream and notifies end listeners once', () => {
    const session = createSession();
    const sink = new RecordingSink();
    session.openServerStream(sink);
    const call = session.beginCall(1, 'tools/call');
    let ends = 0;
    session.onEnd(() => (ends += 1));
    const removeListener = session.onEnd(() => (ends += 10));
    removeListener();
    session.end();
    session.end();
    expect([call.signal.aborted, sink.ended, ends]).toEqual([true, true, 1]);
  });

  it('keeps the stream of a call open for its answer after the session ended', () => {
    const session = createSession();
    const sink = new RecordingSink();
    const call = session.beginCall(1, 'tools/call', sink);
    void call.stream?.emit(notificationEvent('a'));
    session.end();
    expect(sink.ended).toBe(false);
    expect(call.finish(DONE)).toMatchObject({ kind: 'result', eventId: '1-2' });
  });
});

describe('the idle state of a session', () => {
  it('reports a session as idle only without in-flight calls and without an attached server stream', () => {
    const session = createSession();
    expect(session.isIdle).toBe(true);
    const call = session.beginCall(1, 'tools/call');
    expect(session.isIdle).toBe(false);
    void call.finish(DONE);
    expect(session.isIdle).toBe(true);
    const sink = new RecordingSink();
    const stream = session.openServerStream(sink);
    expect(session.isIdle).toBe(false);
    stream.detach(sink);
    expect(session.isIdle).toBe(true);
  });
});
