import { describe, expect, it } from '@jest/globals';
import { readCallArguments } from './call-arguments.js';

describe('readCallArguments', () => {
  it('reads texts and JSON values', () => {
    expect(readCallArguments(['text=Hello = you', 'days:=3', 'tags:=["a"]', 'empty='])).toEqual({
      text: 'Hello = you',
      days: 3,
      tags: ['a'],
      empty: '',
    });
  });

  it('keeps a text that looks like a number, because only the user knows what the tool expects', () => {
    expect(readCallArguments(['code=007'])).toEqual({ code: '007' });
  });

  it('extends an object of arguments', () => {
    expect(readCallArguments(['b=2'], '{"a":1,"b":1}')).toEqual({ a: 1, b: '2' });
  });

  it('keeps an argument with the name of a prototype member', () => {
    expect(JSON.stringify(readCallArguments(['__proto__=x']))).toBe('{"__proto__":"x"}');
  });
});
