import { describe, expect, it } from '@jest/globals';
import { canonicalJson } from './canonical-json.js';
import { parseJson } from './parse-json.js';

describe('the canonical text of a value', () => {
  it('is the same whatever the order of members, at any depth', () => {
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}');
    expect(canonicalJson({ a: 'x', b: [{ c: null, d: 1 }] })).toBe(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' }));
  });

  it('keeps the order of lists, and tells types apart', () => {
    expect(canonicalJson([2, 1])).not.toBe(canonicalJson([1, 2]));
    expect(canonicalJson('1')).not.toBe(canonicalJson(1));
    expect(canonicalJson({})).not.toBe(canonicalJson([]));
  });

  it('leaves out what is absent, and keeps the digits of integers that cannot be held', () => {
    expect(canonicalJson({ a: undefined, b: true })).toBe('{"b":true}');
    expect(canonicalJson(parseJson('{"n":12345678901234567890}'))).toBe('{"n":12345678901234567890}');
  });
});
