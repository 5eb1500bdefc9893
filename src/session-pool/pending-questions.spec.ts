import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { EventLog } from './event-log.js';
import { PendingQuestions } from './pending-questions.js';
import { NEVER_ABORTED } from './session-pool-fixture.js';
import { SessionStream } from './session-stream.js';

const QUESTION = { method: 'elicitation/create', params: { message: 'Sure?' } };
const YES = { result: { action: 'accept' } };

function client() {
  const sink = new RecordingSink();
  const home = { log: new EventLog(100, 10_000), store: undefined, onOpened: () => undefined };
  const stream = new SessionStream(1, home, sink);
  const questions = new PendingQuestions(60_000, clock);
  return { sink, questions, send: (signal = NEVER_ABORTED) => questions.send(QUESTION, stream, signal) };
}

let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

afterEach(() => {
  expect(clock.pending).toBe(0);
});

describe('a question to a client', () => {
  it('resolves a question once, by its id', async () => {
    const { sink, questions, send } = client();
    const answers = [send(), send()];
    expect(sink.summary).toEqual(['opened', 'question 1', 'question 2']);
    questions.resolve(2, { result: { second: true } });
    questions.resolve(1, YES);
    questions.resolve(1, { result: { too: 'late' } });
    questions.resolve('1', { result: { another: 'id' } });
    expect(await Promise.all(answers)).toEqual([YES, { result: { second: true } }]);
    expect(questions.size).toBe(0);
  });

  it('withdraws a question when its call ends', async () => {
    const { sink, questions, send } = client();
    const call = new AbortController();
    const answer = send(call.signal);
    call.abort();
    await expect(answer).rejects.toThrow('The question was withdrawn.');
    expect(sink.events.at(-1)).toMatchObject({
      notification: { method: 'notifications/cancelled', params: { requestId: 1 } },
    });
    questions.resolve(1, YES);
    expect(questions.size).toBe(0);
  });

  it('sends no question for a call that has ended', async () => {
    const { sink, send } = client();
    await expect(send(AbortSignal.abort())).rejects.toThrow('The question was withdrawn.');
    expect(sink.events).toEqual([]);
  });

  it('times out a question that the client does not answer', async () => {
    const { sink, questions, send } = client();
    const [answer] = await Promise.allSettled([send(), clock.advance(60_000)]);
    expect(answer).toMatchObject({ reason: { code: -31002, data: { outcome: 'unknown' } } });
    expect(sink.summary.at(-1)).toBe('notifications/cancelled');
    expect(questions.size).toBe(0);
  });

  it('rejects questions beyond the limit', async () => {
    const { questions, send } = client();
    const call = new AbortController();
    const pending = Array.from({ length: 256 }, () => send(call.signal));
    await expect(send()).rejects.toMatchObject({ code: -31003, message: expect.stringContaining('(256)') });
    call.abort();
    await Promise.allSettled(pending);
    expect(questions.size).toBe(0);
  });

  it('removes its abort listener once the question is answered', async () => {
    const { sink, questions, send } = client();
    const call = new AbortController();
    const answer = send(call.signal);
    questions.resolve(1, YES);
    await answer;
    call.abort();
    expect(sink.summary).toEqual(['opened', 'question 1']);
  });
});
