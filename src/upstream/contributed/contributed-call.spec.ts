import { expect, it } from '@jest/globals';
import type { AdapterReply } from '#lib/extension-kit';
import type { Answer, Outcome, Question } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { Deadlines } from '../channels/deadlines.js';
import { ContributedCall } from './contributed-call.js';

const CAPABILITIES = { elicitation: {} };
const QUESTION: Question = { method: 'elicitation/create', params: { message: 'Sure?' } };

function startCall(send: (reply: AdapterReply) => Promise<Outcome>) {
  const clock = new ManualClock();
  const answers: PromiseWithResolvers<Answer>[] = [];
  const signals: AbortSignal[] = [];
  const answerQuestion = (_question: Question, signal: AbortSignal) => {
    const answer = Promise.withResolvers<Answer>();
    answers.push(answer);
    signals.push(signal);
    return answer.promise;
  };
  const context = { server: 'oslo', clock, deadlines: new Deadlines(clock), requestMs: 1_000, connectMs: 1_000 };
  const call = new ContributedCall(
    1,
    { method: 'tools/call', params: {}, client: { revision: '2025-11-25', capabilities: CAPABILITIES } },
    { notify: () => undefined, answerQuestion },
    new AbortController().signal,
    { context, maxMessageBytes: 10_000, ended: () => undefined, failed: () => undefined },
  );
  const { outcome } = call;
  call.send({ profile: {} as never, request: (_request, reply) => send(reply), close: async () => undefined });
  return { clock, call, outcome, answers, signals };
}

const RESULT: Outcome = { kind: 'result', result: {} };
const NEVER = new AbortController().signal;

it('does not time out while one of two questions is open', async () => {
  const { clock, call, outcome, answers } = startCall(async (reply) => {
    await Promise.all([reply.answerQuestion(QUESTION, NEVER), reply.answerQuestion(QUESTION, NEVER)]);
    return RESULT;
  });
  answers[0]?.resolve({ kind: 'result', result: {} } as Answer);
  await Promise.resolve();
  await clock.advance(10_000);
  expect(call.settled).toBe(false);
  answers[1]?.resolve({ kind: 'result', result: {} } as Answer);
  expect(await outcome).toEqual(RESULT);
});

it('ends the questions that are open when the call is over', async () => {
  const { outcome, signals } = startCall(async (reply) => {
    void reply.answerQuestion(QUESTION, NEVER).catch(() => undefined);
    return RESULT;
  });
  expect(await outcome).toEqual(RESULT);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});
