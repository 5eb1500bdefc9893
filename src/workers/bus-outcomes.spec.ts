import { describe, expect, it } from '@jest/globals';
import { failure, result } from '#lib/mcp-protocol';
import type { BusEnd } from '#lib/worker-bus';
import { toCallOutcome, withRequestId } from './bus-outcomes.js';

const ofValue = (value: unknown) => toCallOutcome({ kind: 'value', value });

describe('toCallOutcome for a reply of another worker', () => {
  it.each([
    { kind: 'result', result: { content: [] } },
    { kind: 'result', result: {}, eventId: '1-2' },
    { kind: 'result', result: {}, serverEra: 'legacy' },
    { kind: 'error', error: { code: -32602, message: 'Unknown tool', data: { name: 'x' } } },
    { kind: 'error', error: { code: -31002, message: 'gone', data: { outcome: 'unknown' } }, httpStatus: 504 },
    { kind: 'error', error: { code: -31002, message: 'gone' }, httpStatus: 504, cancelled: true },
    { kind: 'error', error: { code: 1, message: 'gone' }, eventId: '1-2', cancelled: true },
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
    { kind: 'result', result: {}, serverEra: 'ancient' },
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

it.each([false, 'true', 1, null])('drops a mark of a cancelled call that is not true: %j', (cancelled) => {
  const error = { code: -31002, message: 'gone' };
  expect(ofValue({ kind: 'error', error, cancelled })).toEqual({ kind: 'error', error });
});

describe('toCallOutcome for a forwarded call without a reply', () => {
  const cases: readonly [BusEnd, number, number, string, boolean][] = [
    [{ kind: 'failed' }, -32603, 500, 'unknown', false],
    [{ kind: 'refused', reason: 'full' }, -31001, 503, 'not_executed', true],
    [{ kind: 'not-executed', cause: 'unreachable' }, -31001, 503, 'not_executed', true],
    [{ kind: 'not-executed', cause: 'unavailable' }, -31007, 503, 'not_executed', true],
    [{ kind: 'not-executed', cause: 'cancelled' }, -31001, 503, 'not_executed', true],
    [{ kind: 'unknown', cause: 'relay' }, -31002, 504, 'unknown', false],
    [{ kind: 'unknown', cause: 'owner-dead' }, -31002, 504, 'unknown', false],
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

describe('the id of a request between workers', () => {
  const gatewayError = failure(
    { code: -31004, message: 'down', data: { outcome: 'not_executed', retriable: true } },
    502,
  );

  it('is added to an error of the gateway', () => {
    expect(withRequestId(gatewayError, 'R1')).toMatchObject({ error: { data: { requestId: 'R1' } } });
  });

  it('does not replace the id of an inner request', () => {
    const inner = withRequestId(gatewayError, 'R1');
    expect(withRequestId(inner, 'R2')).toBe(inner);
  });

  it("is not added to a server's own error, to a result, or when nothing was sent", () => {
    const own = failure({ code: -31004, message: 'own', data: { outcome: 'unknown' } });
    for (const outcome of [own, result({})]) expect(withRequestId(outcome, 'R1')).toBe(outcome);
    expect(withRequestId(gatewayError, undefined)).toBe(gatewayError);
  });
});
