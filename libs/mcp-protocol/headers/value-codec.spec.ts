import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeHeaderValue, encodeHeaderValue } from './value-codec.js';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
  fc.string().map((text) => `=?base64?${text}?=`),
  fc.constantFrom('', ' ', '=?base64?=', '=?base64??=', '\ufeffx', '\ud800', 'a\tb', '\ta', 'a\r\nSet-Cookie: x', '\0'),
);

describe('the header codec', () => {
  it('decodes every encoded text, a lone surrogate as U+FFFD', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(decodeHeaderValue(encodeHeaderValue(text))).toBe(text.toWellFormed());
      }),
      { numRuns: 500 },
    );
  });

  it('encodes to legal header values only', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(encodeHeaderValue(text)).toMatch(/^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on input of a peer, and accepts one spelling of an encoded value only', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.base64String().map((text) => `=?base64?${text}?=`),
        ),
        (raw) => {
          const value = decodeHeaderValue(raw);
          const trimmed = raw.replace(/^[ \t]+|[ \t]+$/g, '');
          if (value === undefined || !trimmed.startsWith('=?base64?') || !trimmed.endsWith('?=')) return;
          expect(`=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`).toBe(trimmed);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['us-west1', 'us-west1'],
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
  ])('encodes %j as in the specification', (value, header) => {
    expect(encodeHeaderValue(value)).toBe(header);
    expect(decodeHeaderValue(header)).toBe(value);
  });

  it.each([
    ['missing padding', '=?base64?SGVsbG8?='],
    ['foreign characters', '=?base64?SGVs!!!bG8=?='],
    ['blanks inside', '=?base64?SGVs bG8=?='],
    ['stray bits', '=?base64?SGVsbG9=?='],
    ['bytes that are not UTF-8', '=?base64?/w==?='],
    ['a control character', 'a\u0001b'],
    ['a line break', 'a\r\nb'],
    ['raw non-ASCII', 'caf\u00e9'],
  ])('rejects a value with %s as malformed', (_what, raw) => {
    expect(decodeHeaderValue(raw)).toBeUndefined();
  });

  it.each([
    ['SGVsbG8=', 'SGVsbG8='],
    ['=?base64?SGVsbG8=', '=?base64?SGVsbG8='],
    ['=?BASE64?SGVsbG8=?=', '=?BASE64?SGVsbG8=?='],
    ['  echo \t', 'echo'],
    ['', ''],
  ])('decodes %j literally', (raw, value) => {
    expect(decodeHeaderValue(raw)).toBe(value);
  });
});
