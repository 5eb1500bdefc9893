import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GatewayError } from '#lib/extension-kit';
import { failure, result, type ClientProfile, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { until } from '../../test/support/until.js';
import type { CallInterception, RunIntercepted } from './call-interception.js';

const CLIENT: ClientProfile = { revision: '2026-07-28', capabilities: { elicitation: { form: {} } } };
const FORM = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: {} } };
const ACCEPT = { action: 'accept', content: {} };
const ADA = { action: 'accept', content: { name: 'Ada' } };

/** Approves calls by a question to the caller, as an interceptor does. */
class Approval implements CallInterception {
  /** What becomes of an approved call. */
  decide: RunIntercepted = (executed, execute) => execute(executed.call, executed.signal);
  readonly find = () => this.run;

  private readonly run: RunIntercepted = async (executed, execute) => {
    try {
      const answer = await executed.repetition?.answerTo('approval');
      if (!answer && executed.repetition)
        return executed.repetition.ask({ questions: { approval: FORM }, awaited: {}, expiresAfterMs: 60_000 });
    } catch (cause) {
      if (cause instanceof GatewayError) return cause.toOutcome();
      throw cause;
    }
    return this.decide(executed, execute);
  };
}

describe('a parked call of a client that an interceptor has asked', () => {
  let world: DispatchWorld;
  let approval: Approval;
  /** The server has received the answer to its own question. */
  let isAnswered: boolean;
  let isCancelled: boolean;
  let finish: () => void;

  beforeEach(async () => {
    world = await DispatchWorld.open([remoteServer('a')]);
    approval = new Approval();
    world.interception.bind(approval);
    isAnswered = isCancelled = false;
    const finished = Promise.withResolvers<void>();
    finish = finished.resolve;
    world.connector.eras.set('a', 'legacy');
    world.connector.respond = async ({ reply, signal }) => {
      signal.addEventListener('abort', () => (isCancelled = true));
      await reply.answerQuestion(FORM, signal);
      isAnswered = true;
      await finished.promise;
      return result({ content: [] });
    };
  });

  afterEach(() => world.close());

  const call = (params: JsonObject = {}, signal?: AbortSignal) =>
    world.request(
      'tools/call',
      { name: 'book', arguments: {}, ...params },
      { endpoint: 'a', client: CLIENT, ...(signal && { signal }) },
    );

  const stateOf = (outcome: Outcome): string => {
    expect(outcome).toMatchObject({ result: { resultType: 'input_required', requestState: expect.any(String) } });
    return (outcome as unknown as { result: { requestState: string } }).result.requestState;
  };

  /** The repetition that brings the answer for the server, after the approval. */
  async function park(): Promise<JsonObject> {
    const requestState = stateOf(await call());
    const parked = stateOf(await call({ requestState, inputResponses: { approval: ACCEPT } }));
    return { requestState: parked, inputResponses: { 'question-1': ADA } };
  }

  it('continues when its client sends the repetition twice', async () => {
    const repetition = await park();
    const first = call(repetition);
    await until(async () => isAnswered);
    expect(await call(repetition)).toMatchObject({ error: { code: -32602, data: { outcome: 'unknown' } } });
    finish();
    expect(await first).toMatchObject(result({ content: [] }));
  });

  it('continues when an interceptor refuses another repetition before it has used the state', async () => {
    const repetition = await park();
    const first = call(repetition);
    await until(async () => isAnswered);
    world.interception.bind({ find: () => async () => result({ refused: true }) });
    expect(await call(repetition)).toMatchObject(result({ refused: true }));
    finish();
    expect(await first).toMatchObject(result({ content: [] }));
  });

  it('is cancelled once an interceptor has used the answers and ended the request without continuing it', async () => {
    const repetition = await park();
    approval.decide = async () => result({ declined: true });
    expect(await call(repetition)).toMatchObject(result({ declined: true }));
    expect(isCancelled).toBe(true);
  });
});

describe('the answer of a client to an interceptor', () => {
  let world: DispatchWorld;
  let approval: Approval;

  beforeEach(async () => {
    world = await DispatchWorld.open([remoteServer('a')]);
    world.connector.eras.set('a', 'modern');
    approval = new Approval();
    world.interception.bind(approval);
  });

  afterEach(() => world.close());

  const call = (params: JsonObject = {}) =>
    world.request('tools/call', { name: 'book', arguments: {}, ...params }, { endpoint: 'a', client: CLIENT });

  /** The outcomes of a repetition that ends so, and of the same one sent again. */
  async function repeatAfter(ending: Outcome) {
    const asked = await call();
    const { requestState } = (asked as unknown as { result: { requestState: string } }).result;
    const repetition = { requestState, inputResponses: { approval: ACCEPT } };
    const { decide } = approval;
    approval.decide = async () => ending;
    const first = await call(repetition);
    approval.decide = decide;
    return {
      first,
      again: await call(repetition),
      sent: world.requestsTo('a').filter(([method]) => method === 'tools/call').length,
    };
  }

  it('counts for the same request sent again when the first one was not executed', async () => {
    const busy = failure({ code: -31_007, message: 'm', data: { outcome: 'not_executed', retriable: true } }, 503);
    const { first, again, sent } = await repeatAfter(busy);
    expect(first).toMatchObject({ error: { code: -31_007 } });
    expect(again.kind).toBe('result');
    expect(sent).toBe(1);
  });

  it.each([
    ['must not be sent again', { outcome: 'not_executed', retriable: false }],
    ['may have run', { outcome: 'unknown', retriable: false }],
  ])('counts no more after an error that says the call %s', async (_what, data) => {
    const { again, sent } = await repeatAfter(failure({ code: -31_009, message: 'm', data }, 403));
    expect(again).toMatchObject({ error: { code: -32_602, data: { outcome: 'unknown' } } });
    expect(sent).toBe(0);
  });
});

describe('the answers of a client to a modern server', () => {
  let world: DispatchWorld;

  beforeEach(async () => {
    world = await DispatchWorld.open([remoteServer('a')]);
    world.connector.eras.set('a', 'modern');
  });

  afterEach(() => world.close());

  /** The answers that the server receives after an interception has replaced those that it was shown. */
  async function receivedAfter(params: JsonObject) {
    let shown: JsonObject | undefined;
    world.interception.bind({
      find:
        () =>
        async ({ call, repetition, signal }, execute) => {
          shown = repetition?.serverAnswers.given;
          if (shown && Object.keys(shown).length > 0) repetition?.serverAnswers.replace({ who: { action: 'decline' } });
          return execute(call, signal);
        },
    });
    const request = { name: 'book', arguments: {}, ...params };
    const outcome = await world.request('tools/call', request, { endpoint: 'a', client: CLIENT });
    return { outcome, shown, received: world.requestsTo('a').at(-1)?.[1] };
  }

  it('reach it as an interception has replaced them', async () => {
    const { shown, received } = await receivedAfter({ inputResponses: { who: ADA } });
    expect(shown).toEqual({ who: ADA });
    expect(received).toMatchObject({ name: 'book', inputResponses: { who: { action: 'decline' } } });
  });

  it('are replaced beside the answers for interceptors, which the server does not receive', async () => {
    world.interception.bind(new Approval());
    const asked = await world.request('tools/call', { name: 'book', arguments: {} }, { endpoint: 'a', client: CLIENT });
    const { requestState } = (asked as unknown as { result: { requestState: string } }).result;
    const { shown, received } = await receivedAfter({ requestState, inputResponses: { approval: ACCEPT, who: ADA } });
    expect(shown).toEqual({ who: ADA });
    expect(received).toMatchObject({ inputResponses: { who: { action: 'decline' } } });
    expect(received).not.toMatchObject({ inputResponses: { approval: ACCEPT } });
  });
});
