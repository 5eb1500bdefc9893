import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { compileGlob, compileGlobs } from './glob.js';

describe('compileGlob', () => {
  it.each([
    ['files__read', 'files__read', true],
    ['files__read', 'files__reader', false],
    ['files__*', 'files__', true],
    ['files__*', 'other__read', false],
    ['*__read', 'files__read', true],
    ['*__read', 'files__read__', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['a.c', 'abc', false],
    ['*b*', 'a\nb\nc', true],
  ])('matches the pattern %j against the name %j with the result %s', (pattern, name, expected) => {
    expect(compileGlob(pattern)(name)).toBe(expected);
  });

  it('matches the same names as the equivalent regular expression', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '_') });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '_', '*') });
    fc.assert(
      fc.property(pattern, text, (randomPattern, name) => {
        const expression = new RegExp(`^${randomPattern.split('*').map(RegExp.escape).join('.*')}$`, 's');
        expect(compileGlob(randomPattern)(name)).toBe(expression.test(name));
      }),
    );
  });

  it('matches a hostile name of two million characters in less than a second', () => {
    const matches = compileGlob('*ab*ab*ab*c');
    const started = performance.now();
    expect(matches('ab'.repeat(1_000_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(scaleDeadline(1_000));
  });
});

it('compileGlobs matches what any of the patterns matches, and nothing without patterns', () => {
  const matches = compileGlobs(['read_*', 'list']);
  expect(['read_file', 'list', 'list_all'].map(matches)).toEqual([true, true, false]);
  expect(compileGlobs([])('list')).toBe(false);
});
