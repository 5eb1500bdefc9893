import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatDuration, parseDuration } from './index.js';
import { formatSize, parseSize } from './quantities.js';

describe('parseDuration and parseSize', () => {
  it.each([
    ['250ms', 250],
    ['5s', 5_000],
    ['1.5s', 1_500],
    ['10 m', 600_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['0s', 0],
  ])('parse %s as %d milliseconds', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  it.each(['5', '', 's', '-1s', '5S', '5sec', '1h30m', '1e3s', '99999999999999999d', '١s'])(
    'reject %j as a duration',
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );

  it.each(['5', '1.5KiB', '1KB', '1k', '-1B'])('reject %j as a size', (text) =>
    expect(parseSize(text)).toBeUndefined(),
  );

  it('parse every amount that formatDuration and formatSize write', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (amount) => {
        expect(parseDuration(formatDuration(amount))).toBe(amount);
        expect(parseSize(formatSize(amount))).toBe(amount);
      }),
    );
    expect([formatDuration(90_000), formatDuration(0), formatSize(16_777_216)]).toEqual(['90s', '0ms', '16MiB']);
  });
});
