import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import {
  doTextWork,
  joinSpans,
  mapTexts,
  maskTexts,
  replaceSpans,
  toCompatible,
  TooMuchText,
  type TextWork,
} from './index.js';
import { MAX_SLICE_WORK, MAX_STEP_WORK, MAX_TEXT_WORK } from './text-work.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const never = new AbortController().signal;
const mapNow = (
  value: JsonObject,
  text: (text: string, name: string | undefined) => string,
  number?: (digits: string) => number | undefined,
) => {
  const mapping = {
    *text(each: string, name: string | undefined): TextWork<string> {
      yield each.length;
      return text(each, name);
    },
    ...(number && { number }),
  };
  return doTextWork(mapTexts(value, mapping), never);
};
const toUpperCase = (value: JsonObject) => mapNow(value, (text) => text.toUpperCase());

describe('mapTexts', () => {
  it('converts strings at any depth, names of members, and texts in the blob of a resource', () => {
    const value = { a: 'x', b: [['y'], { c: 'z', n: 1, t: true, none: null }], blob: base64('ü text') };
    expect(toUpperCase(value)).toEqual({
      A: 'X',
      B: [['Y'], { C: 'Z', N: 1, T: true, NONE: null }],
      BLOB: base64('Ü TEXT'),
    });
  });

  it('leaves bytes that are no text as they are', () => {
    const blob = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe]).toString('base64');
    const value = { blob };
    expect(mapNow(value, (text) => (text === 'blob' ? text : 'changed'))).toEqual({ blob: 'changed' });
    expect(mapNow(value, (text) => text.replace('ÿ', 'changed'))).toBe(value);
  });

  it.each([
    ['an image', (data: string) => ({ type: 'image', mimeType: 'image/png', data })],
    ['audio', (data: string) => ({ type: 'audio', mimeType: 'audio/wav', data })],
    ['a resource', (blob: string) => ({ type: 'resource', uri: 'file:///a', blob })],
  ])('reads no bytes of %s, however large, and its text', (_name, holding) => {
    const image = holding(Buffer.alloc(4 * 2 ** 20, 0xff).toString('base64'));
    const seen: string[] = [];
    const see = (text: string) => {
      seen.push(text);
      return text;
    };
    expect(mapNow({ content: [image] }, see)).toEqual({ content: [image] });
    expect(seen.every((text) => text.length < 100)).toBe(true);
    void mapNow({ content: [holding(base64('a text'))] }, see);
    expect(seen).toContain('a text');
  });

  it('numbers names that become equal, and keeps a member named __proto__', () => {
    const value = JSON.parse('{"a":1,"b":2,"__proto__":3}') as JsonObject;
    const mapped = mapNow(value, (text) => (text.length === 1 ? 'x' : text));
    expect(JSON.stringify(mapped)).toBe('{"x":1,"x (2)":2,"__proto__":3}');
  });

  it('passes the name of the nearest member', () => {
    const names: unknown[] = [];
    void mapNow({ a: [{ b: ['x'] }, 'y'] }, (text, name) => (names.push([text, name]), text));
    expect(names).toEqual([
      ['a', undefined],
      ['b', undefined],
      ['x', 'b'],
      ['y', 'a'],
    ]);
  });

  it('reads numbers by their digits, those that keep their text too', () => {
    const value = parseJson('{"a":12345678901234567890,"b":7}') as JsonObject;
    const read: string[] = [];
    void mapNow(
      value,
      (text) => text,
      (digits) => void read.push(digits),
    );
    expect(read).toEqual(['12345678901234567890', '7']);
  });

  it('returns the same value if nothing changes', () => {
    fc.assert(
      fc.property(fc.jsonValue() as fc.Arbitrary<JsonValue>, (json) => {
        const value = isJsonObject(json) ? json : { json };
        expect(mapNow(value, (text) => text)).toBe(value);
      }),
    );
  });
});

describe('toCompatible', () => {
  it('converts fullwidth and stylized letters, and leaves ASCII as it is', () => {
    expect(toCompatible('ｉｇｎｏｒｅ 𝐚𝐥𝐥')).toBe('ignore all');
    expect(toCompatible('ignore all')).toBe('ignore all');
  });

  it('leaves out combining marks beyond 30 on one character', () => {
    expect(toCompatible('a' + '\u0301\u0316'.repeat(200_000))).toHaveLength(30);
  });
});

describe('doTextWork', () => {
  function* steps(count: number, units: number): TextWork<string> {
    for (let step = 0; step < count; step += 1) yield units;
    return 'done';
  }

  it('does little work at once', () => {
    expect(doTextWork(steps(2, MAX_SLICE_WORK / 2), never)).toBe('done');
  });

  it('lets the event loop turn between slices of longer work', async () => {
    let turns = 0;
    function* work(): TextWork<number> {
      for (let step = 0; step < 5; step += 1) {
        setImmediate(() => (turns += 1));
        yield MAX_SLICE_WORK;
      }
      return turns;
    }
    expect(await doTextWork(work(), never)).toBeGreaterThanOrEqual(4);
  });

  it('ends before the next slice when its signal is aborted', async () => {
    const control = new AbortController();
    let done = 0;
    function* work(): TextWork<void> {
      for (; ; done += 1) yield MAX_SLICE_WORK;
    }
    const result = doTextWork(work(), control.signal);
    const reason = new Error('the deadline has passed');
    control.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(done).toBe(1);
  });

  it('refuses a step and a value that need too much work', async () => {
    expect(() => doTextWork(steps(1, MAX_STEP_WORK + 1), never)).toThrow(TooMuchText);
    const count = MAX_TEXT_WORK / MAX_STEP_WORK;
    expect(await doTextWork(steps(count, MAX_STEP_WORK), never)).toBe('done');
    await expect(doTextWork(steps(count + 1, MAX_STEP_WORK), never)).rejects.toThrow(TooMuchText);
  });
});

describe('maskTexts', () => {
  it('replaces what is found by its kind, and a number by 0', () => {
    const find = (text: string) =>
      Array.from(text.matchAll(/\d+/g), ({ 0: { length }, index }) => {
        return { kind: 'digits', start: index, end: index + length };
      });
    const findNumber = (digits: string) => (digits === '77' ? 'digits' : undefined);
    const masked = maskTexts({ a1: 'b 22 c', n: 77, m: 7 }, { searches: [{ find }], findNumber });
    expect(doTextWork(masked, never)).toEqual({
      value: { 'a[digits]': 'b [digits] c', n: 0, m: 7 },
      findings: [{ kind: 'digits', count: 3 }],
    });
  });
});

describe('joinSpans', () => {
  it('joins spans that overlap, and names them after the longest', () => {
    const spans = [
      { kind: 'b', start: 3, end: 9 },
      { kind: 'a', start: 0, end: 4 },
      { kind: 'c', start: 9, end: 10 },
    ];
    expect(joinSpans(spans)).toEqual([
      { kind: 'b', start: 0, end: 9 },
      { kind: 'c', start: 9, end: 10 },
    ]);
  });

  it('covers exactly the characters of the spans', () => {
    const span = fc.tuple(fc.nat(30), fc.nat(30)).map(([start, length]) => ({ kind: 'x', start, end: start + length }));
    fc.assert(
      fc.property(fc.array(span), (spans) => {
        const text = 'a'.repeat(60);
        const covered = Array.from(text, (_, index) => spans.some(({ start, end }) => index >= start && index < end));
        const left = covered.filter((isCovered) => !isCovered).length;
        expect(replaceSpans(text, joinSpans(spans), () => '')).toHaveLength(left);
      }),
    );
  });
});
