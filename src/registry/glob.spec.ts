import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { glob } from './glob.js';

describe('a pattern of names', () => {
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
  ])('%j against %j: %s', (pattern, name, expected) => {
    expect(glob(pattern)(name)).toBe(expected);
  });

  it('means what the regular expression would', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '_') });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '_', '*') });
    fc.assert(
      fc.property(pattern, text, (globbed, name) => {
        const expression = new RegExp(`^${globbed.split('*').map(RegExp.escape).join('.*')}$`, 's');
        expect(glob(globbed)(name)).toBe(expression.test(name));
      }),
    );
  });

  it('is not slowed down by a hostile name', () => {
    const matches = glob('*ab*ab*ab*c');
    const started = performance.now();
    expect(matches('ab'.repeat(1_000_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(scaleDeadline(1_000));
  });
});
