import { describe, expect, it } from '@jest/globals';
import { result, type Answer, type JsonObject, type Outcome, type Question } from '#lib/mcp-protocol';
import { ManualTimer } from '#lib/testing/manual-timer';
import { LEGACY_CLIENT } from '../../test/support/fake-upstream.js';
import type { UpstreamConnection, UpstreamReply, UpstreamRequest } from '../upstream/index.js';
import { answerReplayableQuestions } from './replayable-questions.js';
import { NEVER_ABORTED } from '../session-pool/testing.js';

const client = { ...LEGACY_CLIENT, capabilities: { elicitation: {}, sampling: {}, roots: {} } };
const request: UpstreamRequest = { method: 'tools/call', params: { name: 'book' }, client };

const form = (message: string) => ({ method: 'elicitation/create', params: { message } });
const wanting = (inputRequests: JsonObject, requestState?: string): JsonObject => ({
  resultType: 'input_required',
  inputRequests,
  ...(requestState !== undefined && { requestState }),
});

/** The server asks nothing, and wants to be called again. */
const HOLDS_OFF: JsonObject = { resultType: 'input_required' };

/** A server that answers the repeated calls one after the other, and a client that answers the questions. */
function exchange(outcomes: readonly Outcome[], answer: (question: Question) => Answer | Promise<Answer>) {
  const repeated: JsonObject[] = [];
  const asked: Question[] = [];
  const signals: AbortSignal[] = [];
  const left = [...outcomes];
  const timer = new ManualTimer();
  const connection = {
    request: async ({ params }: UpstreamRequest) => {
      repeated.push(params);
      return left.shift() ?? result({ done: true });
    },
  } as unknown as UpstreamConnection;
  const reply: UpstreamReply = {
    notify: () => undefined,
    answerQuestion: async (question, signal) => {
      asked.push(question);
      signals.push(signal);
      return answer(question);
    },
  };
  const run = (first: JsonObject, signal = NEVER_ABORTED, maxRounds = 3, requestMs = 60_000) =>
    answerReplayableQuestions(connection, request, first, reply, signal, {
      server: 'hotel',
      maxRounds,
      requestMs,
      timer,
    });
  return { repeated, asked, signals, timer, run };
}

const yes = { result: { action: 'accept', content: {} } } satisfies Answer;

describe('a server that ends a call with questions', () => {
  it('has the call repeated with the answers and its state, until it is satisfied', async () => {
    const again = result(wanting({ b: form('And when?') }, 'two'));
    const { repeated, asked, run } = exchange([again], ({ params }) => ({
      result: { heard: params['message'] ?? null },
    }));
    expect(await run(wanting({ a: form('Who?') }, 'one'))).toEqual(result({ done: true }));
    expect(asked.map(({ params }) => params['message'])).toEqual(['Who?', 'And when?']);
    expect(repeated).toEqual([
      { name: 'book', inputResponses: { a: { heard: 'Who?' } }, requestState: 'one' },
      { name: 'book', inputResponses: { b: { heard: 'And when?' } }, requestState: 'two' },
    ]);
  });

  it('gets all its questions asked at once', async () => {
    const { asked, repeated, run } = exchange([], () => yes);
    await run(wanting({ a: form('A?'), b: { method: 'roots/list' }, c: form('C?') }));
    expect(asked.map(({ method }) => method)).toEqual(['elicitation/create', 'roots/list', 'elicitation/create']);
    expect(Object.keys(repeated[0]?.['inputResponses'] as JsonObject)).toEqual(['a', 'b', 'c']);
  });

  it('is called again at once when it only wants its state back, without a stale one, and then after a pause', async () => {
    const { repeated, asked, timer, run } = exchange([result(HOLDS_OFF)], () => yes);
    const outcome = run({ ...HOLDS_OFF, requestState: 'here' });
    await timer.advance(99);
    expect(repeated).toHaveLength(1);
    await timer.advance(1);
    expect(await outcome).toEqual(result({ done: true }));
    expect(asked).toEqual([]);
    expect(repeated).toEqual([
      { name: 'book', inputResponses: {}, requestState: 'here' },
      { name: 'book', inputResponses: {} },
    ]);
  });

  it('is called ever more rarely when it holds off again and again, and at once when it has asked in between', async () => {
    const asks = result(wanting({ a: form('Who?') }));
    const { repeated, timer, run } = exchange([...Array(8).fill(result(HOLDS_OFF)), asks], () => yes);
    const outcome = run(HOLDS_OFF, NEVER_ABORTED, 16);
    await timer.advance(0);
    for (const [index, pauseMs] of [100, 200, 400, 800, 1_600, 2_000, 2_000].entries()) {
      await timer.advance(pauseMs - 1);
      expect(repeated).toHaveLength(index + 1);
      await timer.advance(1);
      expect(repeated).toHaveLength(index + 2);
    }
    await timer.advance(2_000);
    expect(await outcome).toEqual(result({ done: true }));
    expect(repeated.at(-1)).toMatchObject({ inputResponses: { a: yes.result } });
  });

  it('is given up when it holds off for longer than a call may take; how long people think is not counted', async () => {
    const answer = Promise.withResolvers<Answer>();
    const holding = Array(9).fill(result(HOLDS_OFF)) as Outcome[];
    const { repeated, timer, run } = exchange(holding, () => answer.promise);
    const outcome = run(wanting({ a: form('Who?') }), NEVER_ABORTED, 16, 1_000);
    await timer.advance(5_000);
    answer.resolve(yes);
    await timer.advance(1_000);
    expect(await outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    // With the answers, at once, and after 100, 200 and 400 ms.
    expect(repeated).toHaveLength(5);
    expect(timer.pending).toBe(0);
  });

  it('is not called again once the call is cancelled, nor waited for', async () => {
    const { repeated, timer, run } = exchange([result(HOLDS_OFF)], () => yes);
    const leaving = new AbortController();
    const outcome = run(HOLDS_OFF, leaving.signal);
    await timer.advance(50);
    leaving.abort();
    expect(await outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    expect([repeated.length, timer.pending]).toEqual([1, 0]);
  });

  it('is told of a form that the client failed to show as one that was dismissed', async () => {
    const { repeated, run } = exchange([], () => ({ error: { code: -32603, message: 'no screen' } }));
    await run(wanting({ a: form('Who?') }));
    expect(repeated[0]).toMatchObject({ inputResponses: { a: { action: 'cancel' } } });
  });

  it('is not called again when the client refuses a sampling; the client’s error is the outcome', async () => {
    const error = { code: -1, message: 'User rejected sampling request' };
    const { repeated, run } = exchange([], () => ({ error }));
    expect(await run(wanting({ a: { method: 'sampling/createMessage', params: {} } }))).toEqual({
      kind: 'error',
      error,
    });
    expect(repeated).toEqual([]);
  });

  it('is given up when it asks without end', async () => {
    const endless = Array.from({ length: 9 }, () => result(wanting({ a: form('Again?') })));
    const { repeated, run } = exchange(endless, () => yes);
    await expect(run(wanting({ a: form('Again?') }))).rejects.toMatchObject({
      code: -31005,
      data: { outcome: 'unknown', server: 'hotel' },
    });
    expect(repeated).toHaveLength(3);
  });

  it.each([
    ['what the client did not declare', { method: 'tasks/get' }],
    ['nothing', {}],
    ['what is no question', 'Who?'],
    ['what only looks like a method', { method: { toString: 'x' } }],
  ])('breaks the protocol when it asks %s', async (_name, question) => {
    const { asked, repeated, run } = exchange([], () => yes);
    await expect(run(wanting({ a: question }))).rejects.toMatchObject({ code: -31005 });
    expect([asked, repeated]).toEqual([[], []]);
  });

  it('loses its open questions when one of them fails', async () => {
    const failing = (question: Question) => {
      if (question.method === 'roots/list') throw new Error('gone');
      return new Promise<Answer>(() => undefined);
    };
    const { signals, run } = exchange([], failing);
    await expect(run(wanting({ a: form('Who?'), b: { method: 'roots/list' } }))).rejects.toThrow('gone');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it('has them withdrawn when the call is cancelled', async () => {
    const { signals, run } = exchange([], () => new Promise<Answer>(() => undefined));
    const leaving = new AbortController();
    void run(wanting({ a: form('Who?') }), leaving.signal);
    leaving.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });
});
