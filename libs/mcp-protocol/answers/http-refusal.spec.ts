import { describe, expect, it } from '@jest/globals';
import { readRefusal } from './http-refusal.js';

const refusal = (status: number, body: unknown, more = {}) =>
  readRefusal({ status, body: typeof body === 'string' ? body : JSON.stringify(body), ...more });

describe('the refusal of a server of plain HTTP', () => {
  it.each([
    [401, { detail: 'Unauthorized request' }, 'Unauthorized request'],
    [403, { error: 'forbidden' }, 'forbidden'],
    [404, { error: { code: 5, message: 'No such bill' } }, 'No such bill'],
    [400, { error: { message: 'Bad amount', type: 'invalid' } }, 'Bad amount'],
    [500, { message: 'Oops', error: { message: 'nested' } }, 'Oops'],
    [500, '<h1>Oops</h1>', '<h1>Oops</h1>'],
    [500, 'null', 'null'],
    [503, '', 'Service Unavailable'],
    [409, {}, 'Conflict'],
  ])('of status %i with body %j has the reason %j', (status, body, detail) => {
    expect(refusal(status, body)).toMatchObject({ detail, message: `Upstream answered HTTP ${status}: ${detail}` });
  });

  it('with an empty body and an unknown status has no reason', () => {
    const message = 'Upstream answered HTTP 499';
    expect(refusal(499, '')).toStrictEqual({ message, circumstances: expect.objectContaining({ httpStatus: 499 }) });
  });

  it('contains the delay of Retry-After', () => {
    expect(refusal(429, '', { retryAfter: '3' })).toMatchObject({
      circumstances: { outcome: 'not_executed', retriable: true, httpStatus: 429, retryAfterMs: 3000 },
    });
  });
});
