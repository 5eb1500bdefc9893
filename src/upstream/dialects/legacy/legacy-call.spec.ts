import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Answer, Outcome } from '#lib/mcp-protocol';
import { Deadlines } from '../../channels/deadlines.js';
import { LegacyCall } from './legacy-call.js';

const QUESTION = { method: 'roots/list', params: {} };

describe('a call to a legacy server', () => {
  let deadlines: Deadlines;
  let outcomes: Outcome[];
  let cancelled: string[];
  let answer: (answer: Answer) => void;
  let call: LegacyCall;

  beforeEach(() => {
    jest.useFakeTimers();
    deadlines = new Deadlines();
    outcomes = [];
    cancelled = [];
    const request = { method: 'tools/call', params: {}, client: { revision: 'any', capabilities: {} } };
    const reply = {
      notify: () => undefined,
      answerQuestion: () =>
        new Promise<Answer>((resolve) => {
          answer = resolve;
        }),
    };
    const surroundings = { server: 'shop', deadlines, requestMs: 1_000, connectMs: 1_000 };
    const keeper = {
      ended: () => undefined,
      cancel: async (_call: LegacyCall, reason: string) => void cancelled.push(reason),
    };
    call = new LegacyCall(1, request, reply, new AbortController().signal, surroundings, keeper);
    call.transport = { sent: true, release: () => undefined, abort: () => undefined };
    void call.outcome.then((outcome) => outcomes.push(outcome));
  });

  afterEach(() => {
    deadlines.clear();
    jest.useRealTimers();
  });

  it('is given up when its time is over, and its server is told', async () => {
    await jest.advanceTimersByTimeAsync(1_200);
    expect(outcomes).toMatchObject([{ error: { code: -31002, data: { outcome: 'unknown', server: 'shop' } } }]);
    expect(cancelled).toHaveLength(1);
  });

  it('does not lose time to a client that thinks about a question', async () => {
    const asked = call.forwardQuestion(QUESTION, new AbortController());
    await jest.advanceTimersByTimeAsync(60_000);
    expect(outcomes).toEqual([]);
    answer({ result: {} });
    await asked;
    await jest.advanceTimersByTimeAsync(800);
    expect(outcomes).toEqual([]);
    await jest.advanceTimersByTimeAsync(400);
    expect(outcomes).toHaveLength(1);
  });

  it('goes on losing time once its server took the question back', async () => {
    const control = new AbortController();
    void call.forwardQuestion(QUESTION, control);
    control.abort();
    await jest.advanceTimersByTimeAsync(1_200);
    expect(outcomes).toHaveLength(1);
  });

  it('takes only so many questions, and none when it is over', () => {
    const asked = Array.from({ length: 20 }, () => call.forwardQuestion(QUESTION, new AbortController()));
    expect(asked.filter((question) => question !== undefined)).toHaveLength(16);
    call.settle({ kind: 'result', result: {} });
    expect(call.forwardQuestion(QUESTION, new AbortController())).toBeUndefined();
  });
});
