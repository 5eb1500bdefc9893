import { describe, expect, it } from '@jest/globals';
import type { BusEnd } from '#lib/worker-bus';
import { toCallOutcome } from './bus-outcomes.js';

const ofValue = (value: unknown) => toCallOutcome({ kind: 'value', value });

describe('toCallOutcome for a reply of another worker', () => {
  it.each([
    { kind: 'result', result: { content: [] } },
    { kind: 'result', result: {}, eventId: '1-2' },
    { kind: 'error', error: { code: -32602, message: 'Unknown tool', data: { name: 'x' } } },
    { kind: 'error', error: { code: -31002, message: 'gone', data: { outcome: 'unknown' } }, httpStatus: 504 },
  ])('passes a valid outcome of another worker through unchanged: %j', (outcome) => {
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
  ])('converts an invalid reply of another worker into an internal error, never into a success: %j', (value) => {
    expect(ofValue(value)).toEqual({
      kind: 'error',
      error: { code: -32603, message: 'Internal error', data: { outcome: 'unknown', retriable: false } },
      httpStatus: 500,
    });
  });
});

describe('toCallOutcome for a forwarded call without a reply', () => {
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

  it.each(cases)('reports what is known of a call that ends with %j', (end, code, httpStatus, outcome, retriable) => {
    expect(toCallOutcome(end)).toMatchObject({
      kind: 'error',
      error: { code, data: { outcome, retriable } },
      httpStatus,
    });
  });

  it('gives each cause of a failed forwarded call its own message', () => {
    const messages = cases.map(([end]) => {
      const outcome = toCallOutcome(end);
      return outcome.kind === 'error' ? outcome.error.message : '';
    });
    expect(new Set(messages).size).toBe(cases.length);
  });
});
