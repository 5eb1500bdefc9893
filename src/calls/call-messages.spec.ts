import { afterEach, describe, expect, it } from '@jest/globals';
import { failure, result, type JsonObject, type McpNotification, type Outcome, type Question } from '#lib/mcp-protocol';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { createSession, NEVER_ABORTED } from '../session-pool/testing.js';
import { MessageRefused, type CallMessages } from './call-messages.js';
import { callOf, closeCalls, openCalls } from './calls-fixture.js';

afterEach(closeCalls);

const REFUSED = failure({ code: -31_009, message: 'Withheld', data: { outcome: 'unknown' } }, 403);
const refuse = (): never => {
  throw new MessageRefused(REFUSED as never);
};
const ROOTS: Question = { method: 'roots/list', params: {} };
const progress = (text: string): McpNotification => ({ method: 'notifications/progress', params: { message: text } });
const notified = (sink: RecordingSink) =>
  sink.events.flatMap((event) => (event.kind === 'notification' ? [event.notification] : []));

describe('the messages of a server during a call', () => {
  it('reach the client as their handler returns them', async () => {
    const { connector, calls } = openCalls();
    connector.respond = async ({ reply }) => {
      for (const text of ['secret', 'dropped']) await reply.notify(progress(text));
      return result({});
    };
    const onNotification = ({ params }: McpNotification) =>
      params['message'] === 'secret' ? progress('changed') : undefined;
    const sink = new RecordingSink();
    await calls.runInSession(createSession(), callOf({}, { messages: { onNotification } }), sink);
    expect(notified(sink)).toEqual([progress('changed')]);
  });

  it('are questions that their handler changes, and whose answers it changes', async () => {
    const { connector, calls } = openCalls();
    connector.respond = async ({ reply, signal }) =>
      result({ answer: await reply.answerQuestion(ROOTS, signal) } as unknown as JsonObject);
    const onQuestion: CallMessages['onQuestion'] = async (question, ask) => {
      const answer = await ask({ ...question, params: { _meta: { changed: true } } });
      return 'result' in answer ? { result: { ...answer.result, changed: true } } : answer;
    };
    const [session, sink] = [createSession(), new RecordingSink()];
    const run = calls.runInSession(session, callOf({}, { messages: { onQuestion } }), sink);
    await sink.until(({ summary }) => summary.includes('question 1'));
    expect(sink.events.filter(({ kind }) => kind === 'question')).toMatchObject([
      { question: { method: 'roots/list', params: { _meta: { changed: true } } } },
    ]);
    session.answerQuestion(1, { result: { roots: [] } });
    expect(await run).toMatchObject({ result: { answer: { result: { roots: [], changed: true } } } });
  });

  it.each<[string, CallMessages]>([
    ['question', { onQuestion: refuse }],
    ['notification', { onNotification: refuse }],
  ])(
    'end the call with the error of the handler that refuses a %s, and cancel it at the server',
    async (_what, messages) => {
      const { connector, calls } = openCalls();
      const signals: AbortSignal[] = [];
      connector.respond = async ({ reply, signal }): Promise<Outcome> => {
        signals.push(signal);
        await reply.notify(progress('secret'));
        await reply.answerQuestion(ROOTS, signal);
        return result({});
      };
      const sink = new RecordingSink();
      expect(await calls.runInSession(createSession(), callOf({}, { messages }), sink)).toMatchObject(REFUSED);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
      expect(sink.events.filter(({ kind }) => kind === 'question')).toEqual([]);
    },
  );
});

describe('the questions of a modern server to a client that repeats its call', () => {
  const form = (message: string): JsonObject => ({ method: 'elicitation/create', params: { message } });
  const asking = (inputRequests: JsonObject) =>
    result({ resultType: 'input_required', inputRequests, requestState: 's' });

  async function ask(onQuestion: CallMessages['onQuestion'], inputRequests: JsonObject) {
    const { connector, calls } = openCalls('modern');
    const received: JsonObject[] = [];
    connector.respond = ({ request }) => {
      received.push(request.params);
      return received.length === 1 ? asking(inputRequests) : result({ done: true });
    };
    const call = callOf({}, { clientRepeatsCall: true, messages: { ...(onQuestion && { onQuestion }) } });
    const outcome = await calls.runParkable(call, new RecordingSink(), NEVER_ABORTED);
    return { outcome, received };
  }

  it('reach the client as their handler passes them on, whatever it returns', async () => {
    const { outcome } = await ask(
      async (question, put) => {
        const { message } = question.params;
        await put(message === 'b' ? { ...question, params: { message: 'B' } } : question).catch(() => undefined);
        return { result: { action: 'decline' } };
      },
      { a: form('a'), b: form('b') },
    );
    expect(outcome).toMatchObject(asking({ a: form('a'), b: form('B') }));
  });

  it('do not reach the client when their handler answers all, and the server receives the answers', async () => {
    const answer = { action: 'decline' };
    const { outcome, received } = await ask(async () => ({ result: answer }), { a: form('a'), b: form('b') });
    expect(outcome).toMatchObject(result({ done: true }));
    expect(received[1]).toMatchObject({ inputResponses: { a: answer, b: answer }, requestState: 's' });
  });

  it('remain without those that their handler answers beside others', async () => {
    const { outcome, received } = await ask(
      async (question, put) => (question.params['message'] === 'a' ? put(question) : { result: { action: 'decline' } }),
      { a: form('a'), b: form('b') },
    );
    expect(outcome).toMatchObject({ result: { inputRequests: { a: form('a') }, requestState: 's' } });
    expect(JSON.stringify(outcome)).not.toContain('"b"');
    expect(received).toHaveLength(1);
  });

  it('end the call when their handler refuses one', async () => {
    expect((await ask(refuse, { a: form('a') })).outcome).toEqual(REFUSED);
  });
});

describe('the outcome of a call', () => {
  const ERROR = failure({ code: -32_000, message: 'secret' });
  const REPLACED = failure({ code: -32_000, message: 'changed' });
  const ASKS = result({ resultType: 'input_required', requestState: 's' });

  const run = (given: Outcome, era: 'legacy' | 'modern', clientRepeatsCall: boolean) => {
    const { connector, calls } = openCalls(era);
    connector.respond = () => given;
    const messages: CallMessages = { onOutcome: async () => REPLACED };
    const sink = new RecordingSink();
    return clientRepeatsCall
      ? calls.runParkable(callOf({}, { clientRepeatsCall, messages }), sink, NEVER_ABORTED)
      : calls.runInSession(createSession(), callOf({}, { messages }), sink);
  };

  it.each<[string, Outcome, 'legacy' | 'modern', boolean]>([
    ['an error of the server, in a session', ERROR, 'legacy', false],
    ['an error of the server, without a session', ERROR, 'modern', true],
    ['a result that asks the client to repeat its call', ASKS, 'modern', true],
  ])('is what its handler returns for %s', async (_what, given, era, repeats) => {
    expect(await run(given, era, repeats)).toMatchObject(REPLACED);
  });

  it.each<[string, Outcome, 'legacy' | 'modern', boolean]>([
    ['a result', result({ text: 'a' }), 'modern', true],
    ['an error of the gateway', failure({ code: -31_004, message: 'Unreachable' }, 502), 'legacy', false],
    ['a result of a legacy server, whose type means nothing', { ...ASKS }, 'legacy', false],
  ])('does not pass its handler for %s', async (_what, given, era, repeats) => {
    expect(await run(given, era, repeats)).toMatchObject(given);
  });
});
