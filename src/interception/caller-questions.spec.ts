import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { GatewayError, type InterceptedCall } from '#lib/extension-kit';
import { result, type JsonObject } from '#lib/mcp-protocol';
import { settled } from '../../test/support/fake-upstream.js';
import type { ClientRepetition } from '../calls/index.js';
import {
  APPROVAL_MS,
  interceptorOf,
  InterceptionWorld,
  Repeating,
  REPETITION,
  type Intercept,
} from './interception-fixture.js';

afterEach(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

describe('a question of an interceptor', () => {
  const asking: Intercept = async (call, next) => {
    const { action } = await call.ask({ message: 'Really?' });
    return action === 'accept' ? next() : { declined: true };
  };
  const canElicit = { client: { revision: '2025-11-25', capabilities: { elicitation: {} } } };

  it('is sent to the client as a form, and its own time does not run meanwhile', async () => {
    const world = new InterceptionWorld();
    const answered = Promise.withResolvers<{ result: JsonObject }>();
    const asked: unknown[] = [];
    const run = world.run([interceptorOf(asking)], {
      ...world.executedWith(canElicit),
      askClient: (question) => {
        asked.push(question);
        return answered.promise;
      },
    });
    await settled();
    await world.clock.advance(60_000);
    answered.resolve({ result: { action: 'accept' } });
    expect(await run).toEqual(result({ text: 'paid' }));
    expect(asked).toEqual([
      {
        method: 'elicitation/create',
        params: { message: 'Really?', requestedSchema: { type: 'object', properties: {} } },
      },
    ]);
    // The caller may have lost access while it was asked.
    expect(world.admitted).toEqual(['access']);
  });

  it.each([
    ['has no stream', canElicit, undefined],
    ['declared no forms', {}, async () => ({ result: { action: 'accept' } })],
  ])('refuses the call when the client %s', async (_what, call, askClient) => {
    const world = new InterceptionWorld();
    const outcome = await world.run([interceptorOf(asking)], {
      ...world.executedWith(call),
      ...(askClient && { askClient }),
    });
    expect(outcome).toMatchObject({
      error: { code: -31009, message: expect.stringContaining('elicitation'), data: { outcome: 'not_executed' } },
    });
    expect(world.sent).toEqual([]);
  });

  it('expires on the stream when the interceptor says so', async () => {
    const world = new InterceptionWorld();
    const expiring = interceptorOf((call, next) =>
      call.ask({ message: 'Really?', expiresAfterMs: 5_000 }).then(() => next()),
    );
    const run = world.run([expiring], {
      ...world.executedWith(canElicit),
      askClient: (_question, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('expired')))),
    });
    await settled();
    await world.clock.advance(5_000);
    expect(await run).toMatchObject({ error: { code: -31009, data: { outcome: 'not_executed' } } });
    expect(world.sent).toEqual([]);
  });

  it('expires in a request that ends with several after the shortest of their times', async () => {
    const world = new InterceptionWorld();
    const times: unknown[] = [];
    const repetition: ClientRepetition = {
      ...REPETITION,
      ask: ({ expiresAfterMs }) => {
        times.push(expiresAfterMs);
        return result({ resultType: 'input_required' });
      },
    };
    const client = { revision: '2026-07-28', capabilities: { elicitation: {} } };
    const askingTwice = interceptorOf(async (call, next) => {
      const ask = (key: string, expiresAfterMs: number) => call.ask({ key, message: 'Really?', expiresAfterMs });
      await Promise.all([ask('one', 5_000), ask('other', 2_000)]);
      return next();
    });
    await world.run([askingTwice], { ...world.executedWith({ client }), repetition });
    expect(times).toEqual([2_000]);
  });

  it.each([Number.NaN, 0, -1, '5' as never])(
    'is a fault of the interceptor when it may take %p ms',
    async (expiresAfterMs) => {
      const asked = async (ask: (call: InterceptedCall) => Promise<unknown>) => {
        const world = new InterceptionWorld();
        const interceptor = interceptorOf((call, next) => ask(call).then(() => next()));
        const repetition = new Repeating();
        const client = { revision: '2026-07-28', capabilities: { elicitation: {} } };
        const outcome = await world.run([interceptor], { ...world.executedWith({ client }), repetition });
        expect(outcome).toMatchObject({ error: { code: -32_603, data: { outcome: 'not_executed' } } });
        expect(world.logged).toEqual([expect.stringContaining('is no positive number of milliseconds')]);
      };
      await asked((call) => call.ask({ message: 'Really?', expiresAfterMs }));
      await asked((call) => call.askAdmin({ message: 'It deletes.', expiresAfterMs }));
    },
  );

  it('expires after the default time, although the request also waits for an admin who has more', async () => {
    const world = new InterceptionWorld();
    const repetition = new Repeating();
    const both = interceptorOf(async (call, next) => {
      await Promise.allSettled([call.askAdmin({ message: 'It deletes.' }), call.ask({ message: 'Really?' })]);
      return next();
    });
    const client = { revision: '2026-07-28', capabilities: { elicitation: {} } };
    const running = world.run([both], { ...world.executedWith({ client }), repetition });
    await settled();
    await world.clock.advance(30_000);
    await running;
    expect(repetition.asked.map(({ expiresAfterMs }) => expiresAfterMs)).toEqual([APPROVAL_MS]);
  });

  it('refuses the call when the client does not answer', async () => {
    const world = new InterceptionWorld();
    const outcome = await world.run([interceptorOf(asking)], {
      ...world.executedWith(canElicit),
      askClient: () => Promise.reject(new GatewayError(-31002, 'late', 504, { outcome: 'unknown', retriable: false })),
    });
    expect(outcome).toMatchObject({ error: { code: -31009, data: { outcome: 'not_executed', retriable: true } } });
  });
});

describe('a call that an interceptor passes on while its question is open', () => {
  const forgetting: Intercept = async (call, next) => {
    void call.ask({ message: 'Really?' }).catch(() => undefined);
    return next();
  };
  const parallel: Intercept = async (call, next) => {
    const [, paid] = await Promise.all([call.ask({ message: 'Really?' }), next()]);
    return paid;
  };
  const beforeAdmission: Intercept = async (call, next) => {
    const following = next({ arguments: { amount: 2 } });
    void call.ask({ message: 'Really?' }).catch(() => undefined);
    return following;
  };
  const capabilities = { elicitation: {} };
  const session = {
    call: { client: { revision: '2025-11-25', capabilities } },
    more: { askClient: () => new Promise<never>(() => undefined) },
  };
  const repeating = {
    call: { client: { revision: '2026-07-28', capabilities }, clientRepeatsCall: true },
    more: { repetition: REPETITION },
  };

  it.each([
    ['forgets its answer, in a session', forgetting, session],
    ['waits for both at once, in a session', parallel, session],
    ['asks while the arguments are admitted, in a session', beforeAdmission, session],
    ['forgets its answer, of a client that repeats its call', forgetting, repeating],
    ['waits for both at once, of a client that repeats its call', parallel, repeating],
    ['asks while the arguments are admitted, of a client that repeats its call', beforeAdmission, repeating],
  ])('is not sent when it %s', async (_what, intercept, { call, more }) => {
    for (const onFailure of ['refuse', 'pass'] as const) {
      const world = new InterceptionWorld();
      const outcome = await world.run([interceptorOf(intercept, { onFailure })], {
        ...world.executedWith(call),
        ...more,
      });
      await settled();
      expect(world.sent).toEqual([]);
      if (outcome.kind === 'result') expect(outcome.result).toEqual({ resultType: 'input_required' });
      else expect(outcome.error).toMatchObject({ code: -32603, data: { outcome: 'not_executed' } });
    }
  });
});

describe('an answer that was used before', () => {
  it('leaves it unknown whether the call was executed, although this request has not sent it', async () => {
    const world = new InterceptionWorld();
    const used = new GatewayError(-32602, 'Used.', 400, { outcome: 'unknown', retriable: false });
    const repetition = { ...REPETITION, answerTo: () => Promise.reject(used) };
    const client = { revision: '2026-07-28', capabilities: { elicitation: {} } };
    const asking = interceptorOf((call, next) => call.ask({ message: 'Really?' }).then(() => next()));
    const outcome = await world.run([asking], { ...world.executedWith({ client }), repetition });
    expect(outcome).toMatchObject({ error: { code: -32602, data: { outcome: 'unknown' } } });
  });
});

describe('an answer of an earlier request', () => {
  const client = { revision: '2026-07-28', capabilities: { elicitation: {} } };

  /** Runs a call whose first interceptor chooses the target, and whose second one asks about it. Returns the keys of its questions. */
  async function askAbout(target: string, message: string, answered: readonly string[] = [], module = 'AcmeModule') {
    const world = new InterceptionWorld();
    const choosing = interceptorOf((_call, next) => next({ arguments: { target } }), {}, 'Choosing');
    const asking = interceptorOf((call, next) => call.ask({ message }).then(() => next()));
    const keys: string[] = [];
    const repetition: ClientRepetition = {
      ...REPETITION,
      answerTo: async (key) => (answered.includes(key) ? { action: 'accept' } : undefined),
      ask: ({ questions }) => {
        keys.push(...Object.keys(questions));
        return result({ resultType: 'input_required' });
      },
    };
    await world.run([choosing, { ...asking, module }], { ...world.executedWith({ client }), repetition });
    return { keys, sent: world.sent.length };
  }

  it('counts for the question that was asked', async () => {
    const { keys } = await askAbout('v1', 'Delete it?');
    expect(await askAbout('v1', 'Delete it?', keys)).toEqual({ keys: [], sent: 1 });
  });

  it.each([
    ['arguments that another interceptor has changed differently since', 'v2', 'Delete it?', 'AcmeModule'],
    ['a question with another text', 'v1', 'Delete everything?', 'AcmeModule'],
    ['an interceptor of the same name in another module', 'v1', 'Delete it?', 'OtherModule'],
  ])('does not count for %s', async (_what, target, message, module) => {
    const { keys } = await askAbout('v1', 'Delete it?');
    expect(await askAbout(target, message, keys, module)).toEqual({ keys: [expect.any(String)], sent: 0 });
  });
});
