import { describe, expect, it } from '@jest/globals';
import type { BusEnd } from '#lib/worker-bus';
import { toCallOutcome } from './bus-outcomes.js';

const ofValue = (value: unknown) => toCallOutcome({ kind: 'value', value });

describe('the answer of another worker', () => {
  it.each([
    { kind: 'result', result: { content: [] } },
    { kind: 'result', result: {}, eventId: '1-2' },
    { kind: 'error', error: { code: -32602, message: 'Unknown tool', data: { name: 'x' } } },
    { kind: 'error', error: { code: -31002, message: 'gone', data: { outcome: 'unknown' } }, httpStatus: 504 },
  ])('passes as it is: %j', (outcome) => {
    expect(ofValue(outcome)).toEqual(outcome);
  });

  it.each([
    undefined,
    null,
    true,
    'ok',
    [],
    {},
    { kind: 'result' },
    { kind: 'result', result: null },
    { kind: 'result', result: [] },
    { kind: 'result', result: {}, error: { code: 1, message: 'both' } },
    { kind: 'result', result: {}, eventId: 5 },
    { kind: 'error', error: 'Bad Gateway' },
    { kind: 'error', error: { code: 'x', message: 'y' } },
    { kind: 'error', error: { code: 1, message: 'y' }, httpStatus: 200 },
    { kind: 'other', error: { code: 1, message: 'y' } },
    { statusCode: 502, message: 'Bad Gateway', error: 'Bad Gateway' },
  ])('is never taken for a success when it is no outcome: %j', (value) => {
    expect(ofValue(value)).toEqual({
      kind: 'error',
      error: { code: -32603, message: 'Internal error', data: { outcome: 'unknown', retriable: false } },
      httpStatus: 500,
    });
  });
});

describe('a request to another worker that ends without an answer', () => {
  const cases: readonly [BusEnd, number, number, string, boolean][] = [
    [{ kind: 'failed' }, -32603, 500, 'unknown', false],
    [{ kind: 'refused', reason: 'full' }, -31001, 503, 'not_executed', true],
    [{ kind: 'not-executed', cause: 'unreachable' }, -31001, 503, 'not_executed', true],
    [{ kind: 'not-executed', cause: 'unavailable' }, -31007, 503, 'not_executed', true],
    [{ kind: 'not-executed', cause: 'cancelled' }, -31001, 503, 'not_executed', true],
    [{ kind: 'unknown', cause: 'relay' }, -31002, 504, 'unknown', false],
    [{ kind: 'unknown', cause: 'owner-gone' }, -31002, 504, 'unknown', false],
    [{ kind: 'unknown', cause: 'deadline' }, -31002, 504, 'unknown', false],
    [{ kind: 'unknown', cause: 'gap' }, -31002, 504, 'unknown', false],
  ];

  it.each(cases)('says what is known of it: %j', (end, code, httpStatus, outcome, retriable) => {
    expect(toCallOutcome(end)).toMatchObject({
      kind: 'error',
      error: { code, data: { outcome, retriable } },
      httpStatus,
    });
  });

  it('has a sentence of its own for each cause', () => {
    const messages = cases.map(([end]) => {
      const outcome = toCallOutcome(end);
      return outcome.kind === 'error' ? outcome.error.message : '';
    });
    expect(new Set(messages).size).toBe(cases.length);
  });
});
