import { describe, expect, it } from '@jest/globals';
import { result } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { callerOf, settled } from '../../test/support/fake-upstream.js';
import { accessTo, limits, NEVER_ABORTED, sessionStart } from './session-pool-fixture.js';
import { PrincipalTotals } from './principal-totals.js';
import { readSessionRecord } from './session-record.js';
import { Session } from './session.js';

const CHANGED = { method: 'notifications/tools/list_changed', params: {} };
const ROOTS = { method: 'roots/list', params: {} };
const ANSWER = { result: { roots: [] } };

function open(transport: 'http' | 'sse' = 'http') {
  const clock = new ManualClock();
  const start = sessionStart({ answersOnServerStream: transport === 'sse' });
  return { clock, session: new Session(start, limits(), clock) };
}

const numbered = (index: number) => ({ method: 'notifications/message', params: { data: index } });

describe('a notification that belongs to no request', () => {
  it('waits for the first server stream of the client', () => {
    const { session } = open();
    session.notify(CHANGED);
    const sink = new RecordingSink();
    session.openServerStream(sink);
    session.notify(numbered(1));
    expect(sink.summary).toEqual(['opened', CHANGED.method, 'notifications/message']);
  });

  it('is sent once, however many streams the client opens', () => {
    const { session } = open();
    session.notify(CHANGED);
    const sinks = [new RecordingSink(), new RecordingSink()] as const;
    for (const sink of sinks) session.openServerStream(sink);
    expect(sinks[1].summary).toEqual(['opened']);
  });

  it('moves to the new owner with a session whose client has opened no stream yet', () => {
    const { clock, session } = open();
    session.notifyFrom('a', CHANGED);
    const record = readSessionRecord(JSON.parse(JSON.stringify(session.handOff())));
    expect(record).toBeDefined();
    if (!record) return;
    const sink = new RecordingSink();
    Session.restore(record, limits(), clock).openServerStream(sink);
    expect(sink.summary).toEqual(['opened', CHANGED.method]);
  });

  it('is not sent if its server is hidden from the caller by then', () => {
    const { session } = open();
    session.notifyFrom('hidden', CHANGED);
    session.notifyFrom('visible', numbered(1));
    session.access = accessTo((server) => server === 'visible');
    const sink = new RecordingSink();
    session.openServerStream(sink);
    expect(sink.summary).toEqual(['opened', 'notifications/message']);
  });

  it('gives way to later ones beyond the bounds', () => {
    const { session } = open();
    for (let index = 0; index < 300; index += 1) session.notify(numbered(index));
    const sink = new RecordingSink();
    session.openServerStream(sink);
    expect(sink.events).toHaveLength(1 + 256);
    expect(sink.events.at(-1)).toMatchObject({ notification: { params: { data: 299 } } });
    const { session: other } = open();
    for (let index = 0; index < 3; index += 1)
      other.notify({ method: 'large', params: { index, text: 'x'.repeat(100_000) } });
    const second = new RecordingSink();
    other.openServerStream(second);
    expect(second.events.slice(1)).toMatchObject([1, 2].map((index) => ({ notification: { params: { index } } })));
  });

  it('gives way to earlier ones of the same principal beyond 16 Mi characters, until their sessions end', () => {
    const held = new PrincipalTotals();
    const create = (subject: string) =>
      new Session(sessionStart({ caller: callerOf(subject) }), limits(), new ManualClock(), undefined, held);
    const sizeOfHeld = (session: Session) => {
      const sink = new RecordingSink();
      session.openServerStream(sink);
      return sink.events.length - 1;
    };
    const large = { method: 'notifications/message', params: { data: 'x'.repeat(260_000) } };
    const sessions = Array.from({ length: 64 }, () => create('me'));
    for (const session of sessions) session.notify(large);
    const [late, other] = [create('me'), create('someone else')];
    for (const session of [late, other]) session.notify(large);
    expect([late, other].map(sizeOfHeld)).toEqual([0, 1]);
    sessions[0]?.end();
    const next = create('me');
    next.notify(large);
    expect(sizeOfHeld(next)).toBe(1);
    for (const session of sessions) session.end();
    expect(held.of(next.caller.key)).toBe(0);
  });

  it('waits over HTTP+SSE until the client is initialized', () => {
    const { session } = open('sse');
    const sink = new RecordingSink();
    session.openServerStream(sink);
    session.notify(CHANGED);
    expect(sink.summary).toEqual(['opened']);
    session.unsolicited.markInitialized();
    expect(sink.summary).toEqual(['opened', CHANGED.method]);
  });
});

describe('a question that belongs to no request', () => {
  it('is sent on the server stream, and its answer returned', async () => {
    const { session } = open();
    const sink = new RecordingSink();
    session.openServerStream(sink);
    const answer = session.unsolicited.ask(ROOTS, NEVER_ABORTED);
    await settled();
    expect(sink.summary).toEqual(['opened', 'question 1']);
    session.answerQuestion(1, ANSWER);
    await expect(answer).resolves.toEqual(ANSWER);
  });

  it('waits for a moment until the client opens its stream', async () => {
    const { clock, session } = open();
    const answer = session.unsolicited.ask(ROOTS, NEVER_ABORTED);
    await clock.advance(9_000);
    const sink = new RecordingSink();
    session.openServerStream(sink);
    await settled();
    expect(sink.summary).toEqual(['opened', 'question 1']);
    session.answerQuestion(1, ANSWER);
    await expect(answer).resolves.toEqual(ANSWER);
  });

  it('is sent on the stream of a call, and outlives it, if the client has no server stream', async () => {
    const { session } = open();
    const sink = new RecordingSink();
    const call = session.beginCall('a', 'tools/call', sink);
    const answer = session.unsolicited.ask(ROOTS, NEVER_ABORTED);
    await settled();
    void call.finish(result({}));
    expect(sink.summary).toEqual(['opened', 'question 1']);
    session.answerQuestion(1, ANSWER);
    await expect(answer).resolves.toEqual(ANSWER);
  });

  it('that waits for a stream is sent on the one of the next call', async () => {
    const { session } = open();
    const answer = session.unsolicited.ask(ROOTS, NEVER_ABORTED);
    await settled();
    const sink = new RecordingSink();
    session.beginCall('a', 'tools/call', sink);
    await settled();
    expect(sink.summary).toEqual(['opened', 'question 1']);
    session.answerQuestion(1, ANSWER);
    await expect(answer).resolves.toEqual(ANSWER);
  });

  it('fails if the client opens no stream', async () => {
    const { clock, session } = open();
    const answer = session.unsolicited.ask(ROOTS, NEVER_ABORTED);
    await clock.advance(10_000);
    await expect(answer).resolves.toMatchObject({ error: { code: -32600 } });
    expect(session.canMove).toBe(true);
  });

  it('keeps the session at its owner until it is settled', async () => {
    const { session } = open();
    const asking = new AbortController();
    session.openServerStream(new RecordingSink());
    const answer = session.unsolicited.ask(ROOTS, asking.signal);
    await settled();
    expect(session.canMove).toBe(false);
    let isFinished = false;
    const finished = session.whenCallsFinished().then(() => (isFinished = true));
    await settled();
    expect(isFinished).toBe(false);
    asking.abort();
    await expect(answer).rejects.toThrow('withdrawn');
    await finished;
    expect(session.canMove).toBe(true);
  });

  it('delays a handoff for five seconds at most, after which it is withdrawn', async () => {
    const { clock, session } = open();
    const sink = new RecordingSink();
    session.openServerStream(sink);
    const answer = session.unsolicited.ask(ROOTS, NEVER_ABORTED);
    await settled();
    session.unsolicited.limitQuestions();
    await expect(session.unsolicited.ask(ROOTS, NEVER_ABORTED)).resolves.toMatchObject({ error: { code: -32600 } });
    expect(session.canMove).toBe(false);
    await Promise.all([clock.advance(5_000), expect(answer).rejects.toThrow('withdrawn')]);
    expect(session.canMove).toBe(true);
    expect(sink.summary).toEqual(['opened', 'question 1', 'notifications/cancelled']);
  });

  it('is sent and not withdrawn during a handoff while a call is in flight', async () => {
    const { clock, session } = open();
    const sink = new RecordingSink();
    session.openServerStream(sink);
    const call = session.beginCall('a', 'tools/call');
    session.unsolicited.limitQuestions();
    const answer = session.unsolicited.ask(ROOTS, NEVER_ABORTED);
    await clock.advance(20_000);
    expect(sink.summary).toEqual(['opened', 'question 1']);
    void call.finish(result({}));
    await clock.advance(4_999);
    expect(sink.summary).toEqual(['opened', 'question 1']);
    await Promise.all([clock.advance(1), expect(answer).rejects.toThrow('withdrawn')]);
    expect(session.canMove).toBe(true);
  });

  it('gets its whole time again during a handoff after a further call', async () => {
    const { clock, session } = open();
    session.openServerStream(new RecordingSink());
    const answer = session.unsolicited.ask(ROOTS, NEVER_ABORTED);
    await settled();
    session.unsolicited.limitQuestions();
    await clock.advance(4_000);
    const call = session.beginCall('a', 'tools/call');
    await clock.advance(4_000);
    void call.finish(result({}));
    await clock.advance(4_000);
    session.answerQuestion(1, ANSWER);
    await expect(answer).resolves.toEqual(ANSWER);
  });

  it('is withdrawn when the session ends', async () => {
    const { session } = open();
    session.openServerStream(new RecordingSink());
    const answer = session.unsolicited.ask(ROOTS, NEVER_ABORTED);
    await settled();
    session.end();
    await expect(answer).rejects.toThrow('withdrawn');
  });
});
