import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Answer, Outcome } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { Deadlines } from '../../channels/deadlines.js';
import { LegacyCall } from './legacy-call.js';

const QUESTION = { method: 'roots/list', params: {} };

describe('LegacyCall', () => {
  let clock: ManualClock;
  let deadlines: Deadlines;
  let outcomes: Outcome[];
  let cancelled: string[];
  let answer: (answer: Answer) => void;
  let call: LegacyCall;

  beforeEach(() => {
    clock = new ManualClock();
    deadlines = new Deadlines(clock);
    outcomes = [];
    cancelled = [];
    const client = { revision: 'any', capabilities: {} };
    const request = { method: 'tools/call', params: {}, client, progressToken: 'mine' };
    const reply = {
      notify: () => undefined,
      answerQuestion: () =>
        new Promise<Answer>((resolve) => {
          answer = resolve;
        }),
    };
    const surroundings = { server: 'shop', clock, deadlines, requestMs: 1_000, maximumMs: 5_000, connectMs: 1_000 };
    const host = {
      ended: () => undefined,
      questionOpened: () => undefined,
      cancel: async (_call: LegacyCall, reason: string) => void cancelled.push(reason),
    };
    call = new LegacyCall(1, request, reply, new AbortController().signal, surroundings, host);
    call.transport = { sent: true, release: () => undefined, abort: () => undefined };
    void call.outcome.then((outcome) => outcomes.push(outcome));
  });

  afterEach(() => {
    deadlines.clear();
  });

  it('ends as unknown after its timeout and sends a cancellation to the server', async () => {
    await clock.advance(1_200);
    expect(outcomes).toMatchObject([{ error: { code: -31002, data: { outcome: 'unknown', server: 'shop' } } }]);
    expect(cancelled).toHaveLength(1);
  });

  it('outlives its timeout while the server reports progress, up to its maximum', async () => {
    for (let elapsedMs = 0; elapsedMs < 4_800; elapsedMs += 800) {
      expect([elapsedMs, outcomes]).toEqual([elapsedMs, []]);
      await call.deliverProgress({ method: 'notifications/progress', params: { progress: elapsedMs } });
      await clock.advance(800);
    }
    await call.deliverProgress({ method: 'notifications/progress', params: { progress: 4_800 } });
    await clock.advance(400);
    expect(outcomes).toMatchObject([{ error: { code: -31002 } }]);
  });

  it('ends after its timeout without further progress', async () => {
    await clock.advance(800);
    await call.deliverProgress({ method: 'notifications/progress', params: { progress: 1 } });
    await clock.advance(900);
    expect(outcomes).toEqual([]);
    await clock.advance(300);
    expect(outcomes).toHaveLength(1);
  });

  it('does not count the time in which the client answers a question towards its maximum', async () => {
    const answered = call.forwardQuestion(QUESTION, new AbortController());
    await clock.advance(60_000);
    answer({ result: {} });
    await answered;
    for (let elapsedMs = 0; elapsedMs < 4_000; elapsedMs += 800) {
      await call.deliverProgress({ method: 'notifications/progress', params: { progress: elapsedMs } });
      await clock.advance(800);
    }
    expect(outcomes).toEqual([]);
  });

  it('pauses its timeout while the client answers a question', async () => {
    const answered = call.forwardQuestion(QUESTION, new AbortController());
    await clock.advance(60_000);
    expect(outcomes).toEqual([]);
    answer({ result: {} });
    await answered;
    await clock.advance(800);
    expect(outcomes).toEqual([]);
    await clock.advance(400);
    expect(outcomes).toHaveLength(1);
  });

  it('resumes its timeout once the server cancels the question', async () => {
    const control = new AbortController();
    void call.forwardQuestion(QUESTION, control);
    control.abort();
    await clock.advance(1_200);
    expect(outcomes).toHaveLength(1);
  });

  it('accepts at most 16 open questions, and none after it has settled', () => {
    const questions = Array.from({ length: 20 }, () => call.forwardQuestion(QUESTION, new AbortController()));
    expect(questions.filter((question) => question !== undefined)).toHaveLength(16);
    call.settle({ kind: 'result', result: {} });
    expect(call.forwardQuestion(QUESTION, new AbortController())).toBeUndefined();
  });
});
