import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isJsonObject, type JsonObject } from './json.js';
import { JsonFault, parseJson } from './parse-json.js';

function finiteOnly(_key: string, value: unknown): unknown {
  if (value === Infinity || value === -Infinity) throw new RangeError('It would be written out as null.');
  return value;
}

/** What a function returns, or `invalid` when it throws an error that says so. */
function tryTo(parse: () => string): string {
  try {
    return parse();
  } catch (error) {
    if (error instanceof JsonFault || error instanceof SyntaxError || error instanceof RangeError) return 'invalid';
    throw error;
  }
}

const roundTrip = (text: string) => JSON.stringify(parseJson(text));

describe('the JSON parser', () => {
  it('reads every JSON value as the platform does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.parse(roundTrip(text))).toStrictEqual(JSON.parse(text));
      }),
    );
  });

  it('throws a JsonFault and nothing else, and takes only what is JSON', () => {
    const noise = fc.array(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        '"',
        '\\',
        ':',
        ',',
        '1',
        '-',
        'e',
        '.',
        ' ',
        'a',
        'null',
        '9007199254740993',
        '__proto__',
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          noise.map((parts) => parts.join('')),
        ),
        (text) => {
          expect(tryTo(() => JSON.stringify(JSON.parse(roundTrip(text))))).toBe(
            tryTo(() => JSON.stringify(JSON.parse(text, finiteOnly))),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('keeps the digits of integers beyond the safe range, wherever they stand', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.string(), (big, other) => {
        const quoted = JSON.stringify(other);
        const text = `{"a":${big},"__proto__":${big},"b":[${big},{"c":${big}}],"d":${quoted},"e":"${big}"}`;
        expect(roundTrip(text)).toBe(text);
        expect(roundTrip(String(big))).toBe(String(big));
      }),
    );
  });

  it('leaves safe integers and fractions plain numbers', () => {
    expect(parseJson('[9007199254740991,0.12345678901234567,12345678901234567e-10]')).toStrictEqual([
      9007199254740991, 0.12345678901234567, 1234567.8901234567,
    ]);
  });

  it('does not take an integer that keeps its digits for an object', () => {
    expect(isJsonObject(parseJson('12345678901234567890'))).toBe(false);
  });

  it('refuses a large integer in the place of a key', () => {
    expect(() => parseJson('{12345678901234567890: 1}')).toThrow(JsonFault);
    expect(() => parseJson('{12345678901234567890\n:\n1}')).toThrow(JsonFault);
  });

  it('refuses a number that would be written out as null', () => {
    expect(() => parseJson('{"a":[1e400]}')).toThrow('JSON holds a number that is too large.');
  });

  it.each([
    ['arrays', (levels: number) => '['.repeat(levels) + ']'.repeat(levels)],
    ['objects', (levels: number) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)],
    [
      'arrays in a long text',
      (levels: number) => `["${'['.repeat(5000)}",${'['.repeat(levels - 1)}${']'.repeat(levels)}`,
    ],
    [
      'arrays around a large integer',
      (levels: number) => '['.repeat(levels) + '12345678901234567890' + ']'.repeat(levels),
    ],
  ])('takes 64 levels of %s and refuses 65', (_what, nested) => {
    expect(() => parseJson(nested(64))).not.toThrow();
    expect(() => parseJson(nested(65))).toThrow('JSON is nested deeper than 64 levels.');
  });

  it('refuses a deep text without reading it to its end', () => {
    // Its end is no JSON: a parser that reads on complains of that.
    expect(() => parseJson(`${'['.repeat(40_000_000)}no JSON`)).toThrow('JSON is nested deeper than 64 levels.');
  });

  it('does not count brackets inside strings', () => {
    const text = JSON.stringify({ a: '[{'.repeat(10_000), b: '\\"[[['.repeat(3000) });
    expect(roundTrip(text)).toBe(text);
  });

  it('treats __proto__ as a key like any other', () => {
    const value = parseJson('{"__proto__":{"isAdmin":true},"a":1}') as JsonObject;
    expect(value['isAdmin']).toBeUndefined();
    expect(Object.keys(value)).toStrictEqual(['__proto__', 'a']);
    expect(({} as JsonObject)['isAdmin']).toBeUndefined();
  });

  it('lets the last of duplicate keys count', () => {
    expect(parseJson('{"a":1,"a":2}')).toStrictEqual({ a: 2 });
  });

  it('says where the text is wrong and does not repeat it', () => {
    expect(() => parseJson('{"token":"s3cret", oops}')).toThrow('Invalid JSON at character 19.');
    expect(() => parseJson('{"a":12345678901234567890, oops}')).toThrow('Invalid JSON at character 27.');
    expect(() => parseJson('')).toThrow('Invalid JSON.');
  });
});
