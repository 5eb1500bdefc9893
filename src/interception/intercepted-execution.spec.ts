import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { GatewayError, OutcomeError, type NextCall } from '#lib/extension-kit';
import { failure, result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { settled } from '../../test/support/fake-upstream.js';
import { interceptorOf, InterceptionWorld, type Intercept } from './interception-fixture.js';

afterEach(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

const forever = (): Promise<never> => new Promise(() => undefined);
const broken = (outcome: string) => ({
  kind: 'error',
  httpStatus: 500,
  error: { code: -32603, message: expect.stringContaining('The extension Acme'), data: { outcome, retriable: false } },
});
const UNKNOWN = failure({ code: -31002, message: 'broke', data: { outcome: 'unknown', retriable: false } }, 504);
const SERVER_ERROR = failure({ code: -32602, message: 'No such account' });

describe('interceptors of a call', () => {
  it('run in their order around the call, and see what the ones before them changed', async () => {
    const world = new InterceptionWorld();
    const seen: unknown[] = [];
    const adding =
      (label: string): Intercept =>
      async (call, next) => {
        seen.push([label, call.arguments]);
        const paid = await next({ arguments: { ...call.arguments, [label]: true } });
        return { ...paid, [label]: true };
      };
    const outcome = await world.run([interceptorOf(adding('a')), interceptorOf(adding('b'), {}, 'Other')]);
    expect(seen).toEqual([
      ['a', { amount: 1 }],
      ['b', { amount: 1, a: true }],
    ]);
    expect(world.sent.map(({ call }) => call.request.params['arguments'])).toEqual([{ amount: 1, a: true, b: true }]);
    expect(outcome).toEqual(result({ text: 'paid', a: true, b: true }));
  });

  it('leave the outcome of the server as it is when they return what next returned', async () => {
    const world = new InterceptionWorld();
    const served: Outcome = { kind: 'result', result: { text: 'paid' }, serverEra: 'modern' };
    world.respond = () => served;
    expect(await world.run([interceptorOf((_call, next) => next())])).toBe(served);
    expect(world.progress.interception).toBeUndefined();
    expect(world.admitted).toEqual([]);
  });

  it('see the call without the entry of the server, which contains credentials', async () => {
    const world = new InterceptionWorld();
    const calls: unknown[] = [];
    await world.run([
      interceptorOf((call, next) => {
        const { requestId, endpoint, method, item, client, definition } = call;
        calls.push({ requestId, endpoint, method, item, client, definition });
        return next();
      }),
    ]);
    expect(calls).toEqual([
      expect.objectContaining({
        requestId: 'id-1',
        endpoint: 'default',
        method: 'tools/call',
        item: { server: { slug: 'bank', team: 'finance' }, kind: 'tools', name: 'pay', args: { amount: 1 } },
        client: expect.objectContaining({ era: 'legacy' }),
        definition: { name: 'pay' },
      }),
    ]);
  });

  it('are not admitted again for arguments that equal those of the client', async () => {
    const world = new InterceptionWorld();
    await world.run([interceptorOf((_call, next) => next({ arguments: { amount: 1 } }))]);
    expect(world.admitted).toEqual([]);
  });

  it('receive the denial of the arguments that they changed, and the server receives no call', async () => {
    const world = new InterceptionWorld();
    const denied = failure(
      { code: -31009, message: 'Denied.', data: { outcome: 'not_executed', retriable: false } },
      403,
    );
    world.admit = () => {
      throw new OutcomeError(denied as never);
    };
    const outcome = await world.run([interceptorOf((_call, next) => next({ arguments: { amount: 2 } }))]);
    expect(outcome).toBe(denied);
    expect(world.admitted).toEqual([{ amount: 2 }]);
    expect(world.sent).toEqual([]);
  });

  it('may answer a call without executing it, which its record says', async () => {
    const world = new InterceptionWorld();
    expect(await world.run([interceptorOf(async () => ({ cached: true }))])).toEqual(result({ cached: true }));
    expect(world.progress).toMatchObject({
      interception: 'answered',
      interceptedBy: 'Acme',
      executed: 'not_executed',
    });
    expect(world.sent).toEqual([]);
  });

  it('may replace a failure by a result, and the record says that the outcome is unknown', async () => {
    const world = new InterceptionWorld();
    world.respond = () => UNKNOWN;
    const outcome = await world.run([interceptorOf((_call, next) => next().catch(() => ({ text: 'later' })))]);
    expect(outcome).toEqual(result({ text: 'later' }));
    expect(world.progress).toMatchObject({ interception: 'answered', executed: 'unknown' });
  });

  it.each([
    ['of the server', SERVER_ERROR],
    ['of the gateway', UNKNOWN],
  ])('leave an error %s unchanged when they do not catch it', async (_whose, given) => {
    const world = new InterceptionWorld();
    world.respond = () => given;
    expect(await world.run([interceptorOf(async (_call, next) => ({ ...(await next()) }))])).toBe(given);
    expect(world.progress.interception).toBeUndefined();
  });

  it('are aborted with the call of the client', async () => {
    const world = new InterceptionWorld();
    const signals: AbortSignal[] = [];
    const run = world.run([
      interceptorOf((call, next) => {
        signals.push(call.signal);
        return next();
      }),
    ]);
    world.respond = () => forever();
    await settled();
    world.control.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(world.sent.map(({ signal }) => signal.aborted)).toEqual([true]);
    void run;
  });
});

describe('a call whose client has gone', () => {
  it('is not sent when an interceptor passes it on later', async () => {
    const world = new InterceptionWorld();
    const waited = Promise.withResolvers<void>();
    const run = world.run([interceptorOf((_call, next) => waited.promise.then(() => next()))]);
    await settled();
    world.control.abort();
    waited.resolve();
    expect(await run).toMatchObject({ error: { data: { outcome: 'not_executed' } } });
    expect(world.sent).toEqual([]);
  });

  it('is not sent by a later interceptor after an earlier one has returned', async () => {
    const world = new InterceptionWorld();
    const waited = Promise.withResolvers<void>();
    const early = interceptorOf(async (_call, next) => (void next(), { text: 'early' }));
    const late = interceptorOf((_call, next) => waited.promise.then(() => next()), {}, 'Late');
    expect(await world.run([early, late])).toMatchObject(broken('not_executed'));
    waited.resolve();
    await settled();
    expect(world.sent).toEqual([]);
  });
});

describe('a call that continues what its server has begun', () => {
  it('is not reported as not executed when it cannot be continued', async () => {
    const world = new InterceptionWorld();
    const refused = failure({ code: -31008, message: 'm', data: { outcome: 'not_executed', retriable: true } }, 503);
    world.respond = () => refused;
    expect(await world.run([interceptorOf((_call, next) => next())], { begun: 'unknown' })).toMatchObject({
      error: { data: { outcome: 'unknown', retriable: false } },
    });
  });
});

describe('an interceptor that breaks its contract', () => {
  const cases: [string, Intercept, string, string][] = [
    ['throws before next', () => Promise.reject(new Error('boom')), 'not_executed', 'it threw Error: boom'],
    [
      'throws at once',
      () => {
        throw new TypeError('sync');
      },
      'not_executed',
      'it threw TypeError: sync',
    ],
    [
      'throws after next',
      async (_call, next) => next().then(() => Promise.reject(new Error('late'))),
      'executed',
      'late',
    ],
    ['returns no object', async () => 'text' as never, 'not_executed', 'its result is no JSON object'],
    ['returns a function in its result', async () => ({ f: () => 1 }) as never, 'not_executed', 'no form for'],
    ['returns a number without a JSON form', async () => ({ n: Infinity }), 'not_executed', 'no form for'],
    [
      'returns an object that contains itself',
      async () => {
        const circle: JsonObject = {};
        circle['me'] = circle;
        return circle;
      },
      'not_executed',
      'refers to itself',
    ],
    [
      'returns an object whose members throw',
      async (_call, next) => {
        await next();
        return Object.defineProperty({}, 'x', {
          enumerable: true,
          get: () => {
            throw new Error('getter');
          },
        });
      },
      'executed',
      'cannot be read',
    ],
    [
      'returns questions',
      async () => ({ resultType: 'input_required', inputRequests: {} }),
      'not_executed',
      'instead of calling ask',
    ],
    [
      'calls next twice',
      async (_call, next) => {
        await next();
        return next().catch(() => ({}));
      },
      'executed',
      'it called next twice',
    ],
    [
      'changes the arguments in place',
      async (call, next) => {
        (call.arguments as { amount: number }).amount = 100;
        return next();
      },
      'not_executed',
      'read only property',
    ],
    [
      'changes the result in place',
      async (_call, next) => {
        const paid = await next();
        paid['text'] = 'stolen';
        return paid;
      },
      'executed',
      'read only property',
    ],
    [
      'passes arguments that are no object',
      (_call, next) => next({ arguments: 'x' as never }),
      'not_executed',
      'is no JSON',
    ],
    [
      'throws an error whose code is no number',
      () => Promise.reject(new GatewayError('x' as never, 'm', 403)),
      'not_executed',
      'no form as an answer',
    ],
  ];

  it.each(cases)('fails the call when it %s', async (_what, intercept, outcome, reason) => {
    const world = new InterceptionWorld();
    expect(await world.run([interceptorOf(intercept)])).toMatchObject(broken(outcome));
    expect(world.logged).toEqual([expect.stringContaining(reason)]);
    expect(world.progress).toMatchObject({ interception: 'failed', interceptedBy: 'Acme' });
  });

  it('does not tell the client what it threw', async () => {
    const world = new InterceptionWorld();
    const outcome = await world.run([interceptorOf(() => Promise.reject(new Error('secret-1234')))]);
    expect(JSON.stringify(outcome)).not.toContain('secret-1234');
  });

  it('fails the call when its own time is over, and is aborted', async () => {
    const world = new InterceptionWorld();
    const signals: AbortSignal[] = [];
    const run = world.run([
      interceptorOf((call) => {
        signals.push(call.signal);
        return forever();
      }),
    ]);
    await settled();
    await world.clock.advance(999);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    await world.clock.advance(1);
    expect(await run).toMatchObject(broken('not_executed'));
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(world.logged).toEqual([expect.stringContaining('it took longer than 1000 ms')]);
  });

  it('is not charged for the time in which the server works', async () => {
    const world = new InterceptionWorld();
    const served = Promise.withResolvers<Outcome>();
    world.respond = () => served.promise;
    const run = world.run([
      interceptorOf(async (_call, next) => {
        const paid = await next();
        await forever();
        return paid;
      }),
    ]);
    await settled();
    await world.clock.advance(600_000);
    served.resolve(result({}));
    await settled();
    await world.clock.advance(999);
    await settled();
    expect(world.logged).toEqual([]);
    await world.clock.advance(1);
    expect(await run).toMatchObject(broken('executed'));
  });

  it.each<[string, (next: NextCall) => Promise<JsonObject>]>([
    ['returns', async (next) => (void next(), { text: 'early' })],
    ['throws', async (next) => (void next(), Promise.reject(new Error('impatient')))],
  ])('cancels the call at the server when it %s while next is pending: the outcome is unknown', async (_what, act) => {
    const world = new InterceptionWorld();
    world.respond = () => forever();
    expect(await world.run([interceptorOf((_call, next) => act(next))])).toMatchObject(broken('unknown'));
    expect(world.sent.map(({ signal }) => signal.aborted)).toEqual([true]);
  });

  it('cannot execute the call after it has ended', async () => {
    const world = new InterceptionWorld();
    const kept: NextCall[] = [];
    await world.run([
      interceptorOf(async (_call, next) => {
        kept.push(next);
        return {};
      }),
    ]);
    await expect(kept[0]?.()).rejects.toThrow('it called next after it had ended');
    expect(world.sent).toEqual([]);
  });

  it.each([
    ['passes the call on unchanged', 'pass', result({ text: 'paid' })],
    ['refuses the call', 'refuse', broken('not_executed')],
  ] as const)('%s when it fails before next and states `%s`', async (_what, onFailure, expected) => {
    const world = new InterceptionWorld();
    const failing = interceptorOf(() => Promise.reject(new Error('boom')), { onFailure });
    expect(await world.run([failing])).toMatchObject(expected);
    expect(world.progress).toMatchObject({ interception: 'failed', interceptedBy: 'Acme' });
  });

  it('fails the call when it fails after next, whatever it states', async () => {
    const world = new InterceptionWorld();
    const failing = interceptorOf((_call, next) => next().then(() => Promise.reject(new Error('late'))), {
      onFailure: 'pass',
    });
    expect(await world.run([failing])).toMatchObject(broken('executed'));
    expect(world.sent).toHaveLength(1);
  });
});
