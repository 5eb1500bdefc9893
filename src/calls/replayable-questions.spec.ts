import { describe, expect, it } from '@jest/globals';
import { result, type Answer, type JsonObject, type Outcome, type Question } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { LEGACY_CLIENT } from '../../test/support/fake-upstream.js';
import type { UpstreamReply, UpstreamRequest } from '../upstream/index.js';
import { answerReplayableQuestions } from './replayable-questions.js';
import { NEVER_ABORTED } from '../session-pool/testing.js';

const client = { ...LEGACY_CLIENT, capabilities: { elicitation: {}, sampling: {}, roots: {} } };
const request: UpstreamRequest = { method: 'tools/call', params: { name: 'book' }, client };

const form = (message: string) => ({ method: 'elicitation/create', params: { message } });
const inputRequired = (inputRequests: JsonObject, requestState?: string): JsonObject => ({
  resultType: 'input_required',
  inputRequests,
  ...(requestState !== undefined && { requestState }),
});

/** The server returns no question and requests a repetition. */
const WITHOUT_QUESTIONS: JsonObject = { resultType: 'input_required' };

/** A server that returns the given outcomes to the repeated calls, and a client that answers its questions. */
function exchange(outcomes: readonly Outcome[], answer: (question: Question) => Answer | Promise<Answer>) {
  const repeated: JsonObject[] = [];
  const questions: Question[] = [];
  const signals: AbortSignal[] = [];
  const remaining = [...outcomes];
  const clock = new ManualClock();
  const send = async ({ params }: UpstreamRequest) => {
    repeated.push(params);
    return remaining.shift() ?? result({ done: true });
  };
  const reply: UpstreamReply = {
    notify: () => undefined,
    answerQuestion: async (question, signal) => {
      questions.push(question);
      signals.push(signal);
      return answer(question);
    },
  };
  const run = (first: JsonObject, signal = NEVER_ABORTED, maxRounds = 3, requestMs = 60_000) =>
    answerReplayableQuestions(send, request, first, reply, signal, {
      server: 'hotel',
      maxRounds,
      requestMs,
      clock,
    });
  return { repeated, questions, signals, clock, run };
}

const yes = { result: { action: 'accept', content: {} } } satisfies Answer;

describe('a modern server that ends a call with questions', () => {
  it('repeats the call with the answers and the request state until the server returns a final outcome', async () => {
    const again = result(inputRequired({ b: form('And when?') }, 'two'));
    const { repeated, questions, run } = exchange([again], ({ params }) => ({
      result: { received: params['message'] ?? null },
    }));
    expect(await run(inputRequired({ a: form('Who?') }, 'one'))).toEqual(result({ done: true }));
    expect(questions.map(({ params }) => params['message'])).toEqual(['Who?', 'And when?']);
    expect(repeated).toEqual([
      { name: 'book', inputResponses: { a: { received: 'Who?' } }, requestState: 'one' },
      { name: 'book', inputResponses: { b: { received: 'And when?' } }, requestState: 'two' },
    ]);
  });

  it('sends all questions of one round at once', async () => {
    const { questions, repeated, run } = exchange([], () => yes);
    await run(inputRequired({ a: form('A?'), b: { method: 'roots/list' }, c: form('C?') }));
    expect(questions.map(({ method }) => method)).toEqual(['elicitation/create', 'roots/list', 'elicitation/create']);
    expect(Object.keys(repeated[0]?.['inputResponses'] as JsonObject)).toEqual(['a', 'b', 'c']);
  });

  it('repeats a call without questions at once, then after a pause, never with an outdated request state', async () => {
    const { repeated, questions, clock, run } = exchange([result(WITHOUT_QUESTIONS)], () => yes);
    const outcome = run({ ...WITHOUT_QUESTIONS, requestState: 'here' });
    await clock.advance(99);
    expect(repeated).toHaveLength(1);
    await clock.advance(1);
    expect(await outcome).toEqual(result({ done: true }));
    expect(questions).toEqual([]);
    expect(repeated).toEqual([
      { name: 'book', inputResponses: {}, requestState: 'here' },
      { name: 'book', inputResponses: {} },
    ]);
  });

  it('repeats a call without questions after growing pauses, and at once after a question', async () => {
    const asks = result(inputRequired({ a: form('Who?') }));
    const { repeated, clock, run } = exchange([...Array(8).fill(result(WITHOUT_QUESTIONS)), asks], () => yes);
    const outcome = run(WITHOUT_QUESTIONS, NEVER_ABORTED, 16);
    await clock.advance(0);
    for (const [index, pauseMs] of [100, 200, 400, 800, 1_600, 2_000, 2_000].entries()) {
      await clock.advance(pauseMs - 1);
      expect(repeated).toHaveLength(index + 1);
      await clock.advance(1);
      expect(repeated).toHaveLength(index + 2);
    }
    await clock.advance(2_000);
    expect(await outcome).toEqual(result({ done: true }));
    expect(repeated.at(-1)).toMatchObject({ inputResponses: { a: yes.result } });
  });

  it('times out a server that returns no question for longer than a call may take, not counting time to answer', async () => {
    const answer = Promise.withResolvers<Answer>();
    const holding = Array(9).fill(result(WITHOUT_QUESTIONS)) as Outcome[];
    const { repeated, clock, run } = exchange(holding, () => answer.promise);
    const outcome = run(inputRequired({ a: form('Who?') }), NEVER_ABORTED, 16, 1_000);
    await clock.advance(5_000);
    answer.resolve(yes);
    await clock.advance(1_000);
    expect(await outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    // With the answers, immediately, and after 100, 200 and 400 ms.
    expect(repeated).toHaveLength(5);
    expect(clock.pending).toBe(0);
  });

  it('neither repeats nor waits for a cancelled call', async () => {
    const { repeated, clock, run } = exchange([result(WITHOUT_QUESTIONS)], () => yes);
    const abort = new AbortController();
    const outcome = run(WITHOUT_QUESTIONS, abort.signal);
    await clock.advance(50);
    abort.abort();
    expect(await outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
    expect([repeated.length, clock.pending]).toEqual([1, 0]);
  });

  it('reports a form that the client failed to show as dismissed', async () => {
    const { repeated, run } = exchange([], () => ({ error: { code: -32603, message: 'no screen' } }));
    await run(inputRequired({ a: form('Who?') }));
    expect(repeated[0]).toMatchObject({ inputResponses: { a: { action: 'cancel' } } });
  });

  it('returns the client’s error when it rejects a sampling request, without repeating the call', async () => {
    const error = { code: -1, message: 'User rejected sampling request' };
    const { repeated, run } = exchange([], () => ({ error }));
    expect(await run(inputRequired({ a: { method: 'sampling/createMessage', params: {} } }))).toEqual({
      kind: 'error',
      error,
    });
    expect(repeated).toEqual([]);
  });

  it('rejects a server that requests input beyond the round limit', async () => {
    const endless = Array.from({ length: 9 }, () => result(inputRequired({ a: form('Again?') })));
    const { repeated, run } = exchange(endless, () => yes);
    await expect(run(inputRequired({ a: form('Again?') }))).rejects.toMatchObject({
      code: -31005,
      data: { outcome: 'unknown', server: 'hotel' },
    });
    expect(repeated).toHaveLength(3);
  });

  it.each([
    ['whose capability the client did not declare', { method: 'tasks/get' }],
    ['without a method', {}],
    ['that is not an object', 'Who?'],
    ['whose method is not a string', { method: { toString: 'x' } }],
  ])('rejects a question %s', async (_name, question) => {
    const { questions, repeated, run } = exchange([], () => yes);
    await expect(run(inputRequired({ a: question }))).rejects.toMatchObject({ code: -31005 });
    expect([questions, repeated]).toEqual([[], []]);
  });

  it('withdraws the open questions when one of them fails', async () => {
    const failing = (question: Question) => {
      if (question.method === 'roots/list') throw new Error('gone');
      return new Promise<Answer>(() => undefined);
    };
    const { signals, run } = exchange([], failing);
    await expect(run(inputRequired({ a: form('Who?'), b: { method: 'roots/list' } }))).rejects.toThrow('gone');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it('withdraws the open questions when the call is cancelled', async () => {
    const { signals, run } = exchange([], () => new Promise<Answer>(() => undefined));
    const abort = new AbortController();
    void run(inputRequired({ a: form('Who?') }), abort.signal);
    abort.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });
});
