import { describe, expect, it } from '@jest/globals';
import { trimOptionalWhitespace } from './optional-whitespace.js';

/** Everything that `String.trim` removes, except the two characters that RFC 9110 calls optional whitespace. */
const OTHER_BLANKS = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code)).filter(
  (text) => text.trim() === '' && text !== ' ' && text !== '\t',
);

describe('trimOptionalWhitespace', () => {
  it.each([
    ['', ''],
    [' \t ', ''],
    ['a', 'a'],
    ['\t a b\t', 'a b'],
  ])('returns for %j the value %j', (value, expected) => {
    expect(trimOptionalWhitespace(value)).toBe(expected);
  });

  it('keeps every other blank, which belongs to the value', () => {
    expect(OTHER_BLANKS.length).toBeGreaterThan(20);
    for (const blank of OTHER_BLANKS) expect(trimOptionalWhitespace(` ${blank}a${blank}\t`)).toBe(`${blank}a${blank}`);
  });
});
