import { describe, expect, it } from '@jest/globals';
import { retryAfterSeconds } from './retry-after.js';

describe('retryAfterSeconds', () => {
  it.each([
    [429, undefined, 1],
    [503, { outcome: 'not_executed', retriable: true }, 1],
    [429, { outcome: 'not_executed', retryAfterMs: 1_500 }, 2],
    [200, { outcome: 'not_executed', retryAfterMs: 3_000 }, 3],
    [503, { outcome: 'unknown', retriable: false }, undefined],
    [502, { outcome: 'not_executed', retriable: true }, undefined],
    [404, undefined, undefined],
  ])('for status %i and data %j is %p', (status, data, seconds) => {
    expect(retryAfterSeconds(status, data)).toBe(seconds);
  });
});
