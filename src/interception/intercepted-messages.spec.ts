import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { GatewayError, type CallInterceptor, type InterceptedCall, type NextCall } from '#lib/extension-kit';
import {
  failure,
  result,
  type Answer,
  type JsonObject,
  type Outcome,
  type Question,
  type RpcError,
} from '#lib/mcp-protocol';
import { settled } from '../../test/support/fake-upstream.js';
import type { CallMessages, ExecutedCall } from '../calls/index.js';
import { InterceptionWorld, interceptorOf, watcherOf } from './interception-fixture.js';
import { OutcomeInterceptor } from './outcome-interceptor.js';

afterEach(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

type OnQuestion = NonNullable<CallInterceptor['onQuestion']>;
type OnNotification = NonNullable<CallInterceptor['onNotification']>;

const ACCEPT: Answer = { result: { action: 'accept' } };
const QUESTION: Question = { method: 'elicitation/create', params: { message: 'Who?' } };
const forever = (): Promise<never> => new Promise(() => undefined);
const FAILED = {
  code: -32_603,
  message: expect.stringContaining('The extension Acme'),
  data: { outcome: 'unknown', retriable: false },
};

/** Runs a call whose server asks a question, through interceptors with these members. Returns what became of the question. */
async function ask(onQuestions: readonly OnQuestion[], world = new InterceptionWorld()) {
  const asked: Question[] = [];
  let seen: { readonly answer?: Answer; readonly cause?: unknown } = {};
  world.respond = async ({ messages }) => {
    const put = async (question: Question): Promise<Answer> => (asked.push(question), ACCEPT);
    const answering = messages?.onQuestion?.(QUESTION, put, world.control.signal) ?? put(QUESTION);
    seen = await answering.then(
      (answer) => ({ answer }),
      (cause: unknown) => ({ cause }),
    );
    return 'cause' in seen ? (seen.cause as GatewayError).toOutcome() : result({});
  };
  const run = world.run(onQuestions.map((onQuestion) => watcherOf({ onQuestion })));
  await settled();
  await world.clock.advance(1_000);
  return { outcome: await run, asked, ...seen, world };
}

describe('a question of a server', () => {
  const marking =
    (mark: string): OnQuestion =>
    async (_call, question, next) => {
      const answer = await next({ ...question, params: { ...question.params, [mark]: true } });
      return 'result' in answer ? { result: { ...answer.result, [mark]: true } } : answer;
    };

  it('passes the interceptor that is nearest to the server first', async () => {
    const { asked, answer } = await ask([marking('far'), marking('near')]);
    expect(asked.map(({ params }) => Object.keys(params))).toEqual([['message', 'near', 'far']]);
    expect('result' in (answer ?? {}) && Object.keys((answer as { result: JsonObject }).result)).toEqual([
      'action',
      'far',
      'near',
    ]);
  });

  it('is not put to the client when an interceptor answers it', async () => {
    const { asked, answer, outcome } = await ask([async () => ({ result: { action: 'decline' } })]);
    expect([asked, answer]).toEqual([[], { result: { action: 'decline' } }]);
    expect(outcome).toEqual(result({}));
  });

  it('fails the call with the code of an interceptor that refuses it, and the outcome of the gateway', async () => {
    const { asked, outcome, world } = await ask([
      () => Promise.reject(new GatewayError(-31_009, 'No.', 403, { outcome: 'not_executed', retriable: true })),
    ]);
    expect(asked).toEqual([]);
    expect(outcome).toMatchObject({
      error: { code: -31_009, message: 'No.', data: { outcome: 'unknown', retriable: false } },
    });
    expect(world.progress).toMatchObject({ interception: 'refused', interceptedBy: 'Acme' });
  });

  it.each<[string, OnQuestion, string]>([
    ['throws', () => Promise.reject(new Error('boom')), 'it threw Error: boom'],
    ['takes too long', forever, 'it took longer than 1000 ms'],
    ['returns no answer', async () => ({}) as never, 'it returned no answer'],
    ['returns nothing', (() => undefined) as never, 'its result'],
    [
      'asks another kind of question',
      async (_call, _question, next) => next({ method: 'x', params: {} }),
      'another method',
    ],
    [
      'changes the question in place',
      async (_call, { params }) => ((params as { message: string }).message = '') as never,
      'read only',
    ],
  ])('fails the call when an interceptor %s, and is not put to the client', async (_what, onQuestion, reason) => {
    const { asked, outcome, world } = await ask([onQuestion]);
    expect(asked).toEqual([]);
    expect(outcome).toMatchObject({ error: FAILED });
    expect(world.logged).toEqual([expect.stringContaining(reason)]);
  });

  it('fails the call when an interceptor passes it on twice', async () => {
    const { asked, outcome } = await ask([
      async (_call, question, next) => {
        await next(question);
        return next(question);
      },
    ]);
    expect(asked).toHaveLength(1);
    expect(outcome).toMatchObject({ error: FAILED });
  });
});

describe('a notification of a server', () => {
  const PROGRESS = { method: 'notifications/progress', params: { progressToken: 1, message: 'a' } };

  async function notify(onNotifications: readonly OnNotification[]) {
    const world = new InterceptionWorld();
    let passed: unknown;
    world.respond = ({ messages }): Outcome => {
      try {
        passed = messages?.onNotification?.(PROGRESS);
        return result({});
      } catch (cause) {
        return (cause as GatewayError).toOutcome();
      }
    };
    const outcome = await world.run(onNotifications.map((onNotification) => watcherOf({ onNotification })));
    return { outcome, passed, world };
  }

  it('passes the interceptor that is nearest to the server first, and may be dropped', async () => {
    const adding =
      (text: string): OnNotification =>
      (_call, { method, params }) => ({
        method,
        params: { ...params, message: `${params['message'] as string}${text}` },
      });
    const { passed } = await notify([adding('far'), adding('near')]);
    expect(passed).toEqual({ ...PROGRESS, params: { progressToken: 1, message: 'anearfar' } });
    expect((await notify([() => undefined])).passed).toBeUndefined();
  });

  it.each<[string, OnNotification, string]>([
    [
      'throws',
      () => {
        throw new Error('boom');
      },
      'it threw Error: boom',
    ],
    ['returns another method', () => ({ method: 'x', params: { progressToken: 1 } }), 'another method'],
    [
      'returns the progress of another request',
      (_call, { method }) => ({ method, params: { progressToken: 2 } }),
      'token',
    ],
    ['returns a promise', (async () => PROGRESS) as never, 'no notification'],
  ])('fails the call when an interceptor %s', async (_what, onNotification, reason) => {
    const { outcome, world } = await notify([onNotification]);
    expect(outcome).toMatchObject({ error: FAILED });
    expect(world.logged).toEqual([expect.stringContaining(reason)]);
  });
});

describe('an error with which a server answers', () => {
  const GIVEN = { code: -32_602, message: 'No such account 7', data: { account: '7' } };
  type OnOutcome = OutcomeInterceptor['onOutcome'];

  /** Runs a call that its server answers with an error. Returns what the client and an interceptor of an extension receive. */
  async function answer(onOutcome: OnOutcome, error: RpcError = GIVEN, more: Partial<ExecutedCall> = {}) {
    const world = new InterceptionWorld();
    class Examiner extends OutcomeInterceptor {
      override intercept = (_call: InterceptedCall, next: NextCall) => next();
      override onOutcome = onOutcome;
    }
    world.respond = async ({ messages }) =>
      (await messages?.onOutcome?.(failure(error), world.control.signal)) ?? failure(error);
    const seen: unknown[] = [];
    const outer = interceptorOf((_call, next) =>
      next().catch((cause: unknown) => {
        seen.push((cause as GatewayError).toOutcome());
        throw cause;
      }),
    );
    const inner = { ...interceptorOf(async () => ({}), {}, 'Examiner'), instance: new Examiner() };
    const outcome = await world.run([outer, inner], more);
    return { outcome, seen, world };
  }

  const refuse: OnOutcome = () => Promise.reject(new GatewayError(-31_013, 'Withheld.', 403, { retriable: true }));

  it('stays as it is when the interceptor returns it', async () => {
    const { outcome, world } = await answer(async (_call, given) => given);
    expect(outcome).toEqual(failure(GIVEN));
    expect(world.progress.interception).toBeUndefined();
  });

  it('is what the interceptor nearest to the server returns, for the other ones, too', async () => {
    const changed = failure({ code: -32_602, message: 'No such account ***' });
    const { outcome, seen, world } = await answer(async () => changed);
    expect([outcome, seen]).toEqual([changed, [changed]]);
    expect(world.progress).toMatchObject({ interception: 'changed', interceptedBy: 'Examiner' });
  });

  it.each<[string, RpcError, Partial<ExecutedCall>, string]>([
    ['has run the call', GIVEN, {}, 'executed'],
    ['states that it has not', { ...GIVEN, data: { outcome: 'not_executed' } }, {}, 'not_executed'],
    [
      'states so of a call that had begun',
      { ...GIVEN, data: { outcome: 'not_executed' } },
      { begun: 'unknown' },
      'unknown',
    ],
    ['does not know', { ...GIVEN, data: { outcome: 'unknown' } }, {}, 'unknown'],
  ])('that is refused says of the call what is true, when the server %s', async (_what, error, more, expected) => {
    const { outcome, seen } = await answer(refuse, error, more);
    expect(outcome).toMatchObject({ error: { code: -31_013, message: 'Withheld.', data: { outcome: expected } } });
    expect(JSON.stringify([outcome, seen])).not.toContain('account');
  });

  it('does not pass when the interceptor fails', async () => {
    const { outcome, world } = await answer(() => Promise.reject(new Error('boom')));
    expect(outcome).toMatchObject({ error: { code: -32_603, data: { outcome: 'executed', retriable: false } } });
    expect(JSON.stringify(outcome)).not.toContain('account');
    expect(world.logged).toEqual([expect.stringContaining('it threw Error: boom')]);
  });
});

describe('a call without interceptors of messages', () => {
  it('has no handler', async () => {
    const world = new InterceptionWorld();
    const handlers: (CallMessages | undefined)[] = [];
    world.respond = ({ messages }) => (handlers.push(messages), result({}));
    await world.run([watcherOf({})]);
    expect(handlers).toEqual([undefined]);
  });
});
