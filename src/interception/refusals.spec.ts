import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { failure, result, type Outcome } from '#lib/mcp-protocol';
import { interceptorOf, InterceptionWorld, type Intercept } from './interception-fixture.js';

afterEach(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

const UNKNOWN = failure({ code: -31002, message: 'broke', data: { outcome: 'unknown', retriable: false } }, 504);
const SERVER_ERROR = failure({ code: -32602, message: 'No such account' });

describe('a refusal of an interceptor', () => {
  const refusing = new GatewayError(-31009, 'Not on Sundays.', 403, {
    outcome: 'executed',
    retriable: true,
    retryAfterMs: 5,
  });

  it.each<[string, Intercept, Partial<{ begun: 'unknown' }>, Outcome, string]>([
    ['not executed before next', () => Promise.reject(refusing), {}, result({}), 'not_executed'],
    ['executed after next', (_c, next) => next().then(() => Promise.reject(refusing)), {}, result({}), 'executed'],
    [
      'unknown after a failure that is unknown',
      (_c, next) => next().catch(() => Promise.reject(refusing)),
      {},
      UNKNOWN,
      'unknown',
    ],
    [
      'executed after an error of the server',
      (_c, next) => next().catch(() => Promise.reject(refusing)),
      {},
      SERVER_ERROR,
      'executed',
    ],
    [
      'unknown for a call that was begun before',
      () => Promise.reject(refusing),
      { begun: 'unknown' },
      result({}),
      'unknown',
    ],
  ])('keeps its code, and says that the call was %s', async (_what, intercept, more, served, outcome) => {
    const world = new InterceptionWorld();
    world.respond = () => served;
    const mayRetry = outcome === 'not_executed';
    expect(await world.run([interceptorOf(intercept)], more)).toEqual({
      kind: 'error',
      httpStatus: 403,
      error: {
        code: -31009,
        message: 'Not on Sundays.',
        data: { outcome, retriable: mayRetry, ...(mayRetry && { retryAfterMs: 5 }) },
      },
    });
    expect(world.progress).toMatchObject({ interception: 'refused', interceptedBy: 'Acme' });
  });
});
