import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isJsonObject, type JsonObject } from './json.js';
import { JsonFault, ownJsonBounds, parseJson } from './parse-json.js';

function finiteOnly(_key: string, value: unknown): unknown {
  if (value === Infinity || value === -Infinity) throw new RangeError('It would be written out as null.');
  return value;
}

/** Returns the result of a function, or `invalid` if it throws a syntax error. */
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

  it('reads every long text as the platform does', () => {
    const rows = fc.array(fc.jsonValue({ maxDepth: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(rows, fc.constantFrom('x', 'ü', '€', '"', '\\', '\u2028'), (values, letter) => {
        const text = JSON.stringify([...values, letter.repeat(5_000), ...values]);
        expect(JSON.parse(roundTrip(text))).toStrictEqual(JSON.parse(text));
      }),
    );
  });

  it('reads every document with long integers as the platform does, but with all their digits', () => {
    const document = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
        fc.string({ unit: 'binary' }).map((string) => JSON.stringify(string)),
        fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
        fc.dictionary(fc.string(), tie('value').map(String)).map((members) => {
          const parts = Object.entries(members).map(([key, value]) => `${JSON.stringify(key)} :${value}`);
          return `{${parts.join(',')}}`;
        }),
      ),
    })).value;
    fc.assert(
      fc.property(document.map(String), (text) => {
        expect(JSON.parse(roundTrip(text))).toStrictEqual(JSON.parse(text));
        const integers = (json: string) =>
          [...json.matchAll(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/gu)].map(String).toSorted();
        const digits = (json: string) => integers(json).filter((token) => !token.startsWith('"'));
        expect(digits(roundTrip(text))).toStrictEqual(digits(text));
      }),
    );
  });

  it('accepts only JSON, and throws nothing but a JsonFault', () => {
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

  it('keeps the digits of integers beyond the safe range, at every position', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.string(), (big, other) => {
        const quoted = JSON.stringify(other);
        const text = `{"a":${big},"__proto__":${big},"b":[${big},{"c":${big}}],"d":${quoted},"e":"${big}"}`;
        expect(roundTrip(text)).toBe(text);
        expect(roundTrip(String(big))).toBe(String(big));
      }),
    );
  });

  it('parses safe integers and fractions to plain numbers', () => {
    expect(parseJson('[[[9007199254740991,0.1234567890123456,0.5,-7.25]]]')).toStrictEqual([
      [[9007199254740991, 0.1234567890123456, 0.5, -7.25]],
    ]);
  });

  const kept = ['1.0', '-0', '-0.0', '1e400', '-1E400', '1e5', '1E+2', '0.10', '0.1000000000000000055'];
  const plain = ['12345678901.123456789', '0.0000001', '100000000000000000000.5', `1${'0'.repeat(400)}.5`];
  it.each([...kept, ...plain])('keeps the text of the number %s in the arguments or the result of a call', (number) => {
    for (const more of ['', ',"' + 'x'.repeat(5_000) + '"']) {
      const text = `{"id":1,"params":{"arguments":{"a":${number},"b":[${number}, 2.5${more}],"c":"${number}"}}}`;
      expect(JSON.stringify(parseJson(text))).toBe(text.replaceAll(', ', ','));
    }
  });

  it('keeps the text of any number in the arguments of a call', () => {
    const digits = fc.stringMatching(/^\d{1,20}$/);
    const number = fc
      .record({ sign: fc.constantFrom('', '-'), whole: digits, fraction: digits, exponent: digits, form: fc.nat(3) })
      .map(({ sign, whole, fraction, exponent, form }) => {
        const start = sign + (whole.replace(/^0+(?=\d)/, '') || '0');
        const middle = form % 2 === 1 ? `.${fraction}` : '';
        return start + middle + (form >= 2 ? `e-${exponent.slice(0, 3)}` : '');
      });
    fc.assert(
      fc.property(fc.array(number, { minLength: 1 }), (numbers) => {
        const text = `{"params":{"arguments":{"a":[${numbers.join()}]}}}`;
        expect(roundTrip(text)).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });

  it('reads the numbers of the protocol itself as numbers, however they are written', () => {
    expect(parseJson('{"id":1.0,"error":{"code":-3.26e4,"message":""}}')).toStrictEqual({
      id: 1,
      error: { code: -32_600, message: '' },
    });
  });

  it('reads a table with more than 20,000 unusual decimals as numbers', () => {
    const table = `[[[${'1.0,'.repeat(20_001)}12345678901234567890]]]`;
    expect(roundTrip(table)).toBe(table.replaceAll('1.0', '1'));
  });

  it('does not treat an integer that keeps its digits as an object', () => {
    expect(isJsonObject(parseJson('12345678901234567890'))).toBe(false);
  });

  it('rejects a large integer in place of a key', () => {
    expect(() => parseJson('{12345678901234567890: 1}')).toThrow(JsonFault);
    expect(() => parseJson('{12345678901234567890\n:\n1}')).toThrow(JsonFault);
  });

  it.each(['{1.0: 1}', '[[[01.0]]]', '[[[1.0.0]]]', '[[[1.e5]]]', '[[[-]]]', '[[[1.0x]]]'])(
    'rejects %s, which looks like a number that keeps its text',
    (text) => {
      expect(() => parseJson(text)).toThrow(JsonFault);
    },
  );

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
  ])('accepts 64 levels of %s and rejects 65', (_what, nested) => {
    expect(() => parseJson(nested(64))).not.toThrow();
    expect(() => parseJson(nested(65))).toThrow('JSON is nested deeper than 64 levels.');
  });

  it('rejects a deep text without reading it to its end', () => {
    // Its end is no JSON: a parser that reads on complains of that.
    expect(() => parseJson(`${'['.repeat(40_000_000)}no JSON`)).toThrow('JSON is nested deeper than 64 levels.');
  });

  const list = (length: number, toItem: (index: number) => string) =>
    `[${Array.from({ length }, (_, index) => toItem(index)).join(',')}]`;
  const object = (length: number, prefix = 'k') => `{${list(length, (index) => `"${prefix}${index}":1`).slice(1, -1)}}`;

  it.each([
    ['a million values', (extra: number) => list(999_999 + extra, () => '1')],
    ['a million values in nested arrays', (extra: number) => list(499_999 + extra, () => '[1]')],
    ['an object of ten thousand members', (extra: number) => object(10_000 + extra)],
    ['an object of ten thousand equal keys', (extra: number) => `{${'"":0,'.repeat(9_999 + extra)}"":0}`],
    [
      'two hundred thousand members',
      (extra: number) => `[${list(20, (i) => object(10_000, `${i}x`))},${object(extra)}]`,
    ],
    [
      'two hundred thousand members in objects with different keys',
      // The parser compares keys by hashes of 32 bits, and two different keys may have the same hash.
      (extra: number) => list(200_000 + 100 * extra, (index) => `{"k${index}":1}`),
    ],
    ['a hundred thousand long integers', (extra: number) => list(100_000 + extra, () => '12345678901234567890')],
  ])('accepts %s and rejects more', (_what, toText) => {
    expect(() => parseJson(toText(0))).not.toThrow();
    const reject = () => parseJson(toText(1));
    expect(reject).toThrow(JsonFault);
    expect(reject).toThrow(expect.objectContaining({ reason: 'size' }));
  });

  it('accepts a table with more members than objects may have, because its rows have the same keys', () => {
    const row = (index: number) => `{"id":${index},"name":"row ${index}","tags":{"a":${index},"b":null}}`;
    expect(JSON.parse(roundTrip(list(120_000, row)))).toHaveLength(120_000);
  });

  it('counts the members of rows whose keys are permuted', () => {
    const keys = Array.from({ length: 300 }, (_, index) => `key${index}`);
    const row = (index: number) =>
      `{"${keys[index % 300]}":1,"${keys[Math.floor(index / 300) % 300]}x":2,"${keys[index % 7]}y":3,"z":4}`;
    expect(() => parseJson(list(90_000, row))).toThrow('members in total');
  });

  it('does not count commas, colons and brackets inside strings', () => {
    const text = JSON.stringify({ a: ',:[{'.repeat(400_000), b: '",\\":'.repeat(200_000) });
    expect(roundTrip(text)).toBe(text);
  });

  it('names the bound that a text exceeds', () => {
    expect(() => parseJson(object(10_001))).toThrow('JSON contains an object with more than 10,000 members.');
    expect(() => parseJson(list(1_000_001, () => '0'))).toThrow('JSON contains more than 1,000,000 values.');
  });

  it('reads JSON of the gateway itself without these bounds', () => {
    expect(
      parseJson(
        list(1_000_001, () => '0'),
        ownJsonBounds(2),
      ),
    ).toHaveLength(1_000_001);
    expect(() => parseJson('[[[]]]', ownJsonBounds(2))).toThrow('JSON is nested deeper than 2 levels.');
  });

  it('keeps the digits of long integers beside characters beyond Latin-1', () => {
    const text = '["€",12345678901234567890,"ü",{"ключ":-98765432109876543210}]';
    expect(roundTrip(text)).toBe(text);
  });

  it.each([63, 64, 65, 5_000])('keeps the digits of long integers around texts of %i characters', (length) => {
    for (const letter of ['a', 'ü', '€']) {
      const text = `["${letter.repeat(length)}",12345678901234567890,"${letter.repeat(length)}",-98765432109876543210]`;
      expect(roundTrip(text)).toBe(text);
    }
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

  it('returns the last of duplicate keys', () => {
    expect(parseJson('{"a":1,"a":2}')).toStrictEqual({ a: 2 });
  });

  it('reports the position of a syntax error and does not repeat the text', () => {
    expect(() => parseJson('{"token":"s3cret", oops}')).toThrow('Invalid JSON at character 19.');
    expect(() => parseJson('{"a":12345678901234567890, oops}')).toThrow('Invalid JSON at character 27.');
    expect(() => parseJson('')).toThrow('Invalid JSON.');
  });
});
