import { describe, expect, it } from '@jest/globals';
import { canonicalJson } from './canonical-json.js';
import { parseJson } from './parse-json.js';

describe('the canonical text of a value', () => {
  it('does not depend on the order of members, at any depth', () => {
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[{"c":null,"d":1}]}');
    expect(canonicalJson({ a: 'x', b: [{ c: null, d: 1 }] })).toBe(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' }));
  });

  it('keeps the order of arrays, and distinguishes types', () => {
    expect(canonicalJson([2, 1])).not.toBe(canonicalJson([1, 2]));
    expect(canonicalJson('1')).not.toBe(canonicalJson(1));
    expect(canonicalJson({})).not.toBe(canonicalJson([]));
  });

  it('omits absent members, and keeps the digits of integers that a double cannot represent', () => {
    expect(canonicalJson({ a: undefined, b: true })).toBe('{"b":true}');
    expect(canonicalJson(parseJson('{"n":12345678901234567890}'))).toBe('{"n":12345678901234567890}');
  });

  it('is the same for decimals of the same value, however they are written', () => {
    const texts = ['1', '1.0', '1e0'].map((number) => canonicalJson(parseJson(`[[[${number}]]]`)));
    expect(texts).toEqual(['[[[1]]]', '[[[1]]]', '[[[1]]]']);
  });
});
