import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseTemplate } from 'url-template';
import type { JsonValue } from '#lib/mcp-protocol';
import type { ValueStyle } from '../../../registry/index.js';
import { toHeaderText, toPairs, toPathPart } from './value-styles.js';

const query = (value: JsonValue, style: ValueStyle, name = 'color'): string =>
  toPairs(name, value, style)
    .map((pair) => pair.join('='))
    .join('&');

const LIST = ['blue', 'black', 'brown'];
const OBJECT = { R: 100, G: 200, B: 150 };

/** OpenAPI 3.1.1, 4.8.12.6, "Style Examples". */
describe('the table of styles', () => {
  it.each<[string, ValueStyle, JsonValue, string]>([
    ['a text', { style: 'matrix' }, 'blue', ';color=blue'],
    ['a list', { style: 'matrix' }, LIST, ';color=blue,black,brown'],
    ['an object', { style: 'matrix' }, OBJECT, ';color=R,100,G,200,B,150'],
    ['a list', { style: 'matrix', explode: true }, LIST, ';color=blue;color=black;color=brown'],
    ['an object', { style: 'matrix', explode: true }, OBJECT, ';R=100;G=200;B=150'],
    ['a text', { style: 'label' }, 'blue', '.blue'],
    ['a list', { style: 'label' }, LIST, '.blue,black,brown'],
    ['an object', { style: 'label' }, OBJECT, '.R,100,G,200,B,150'],
    ['a list', { style: 'label', explode: true }, LIST, '.blue.black.brown'],
    ['an object', { style: 'label', explode: true }, OBJECT, '.R=100.G=200.B=150'],
    ['a text', {}, 'blue', 'blue'],
    ['a list', {}, LIST, 'blue,black,brown'],
    ['an object', {}, OBJECT, 'R,100,G,200,B,150'],
    ['a list', { explode: true }, LIST, 'blue,black,brown'],
    ['an object', { explode: true }, OBJECT, 'R=100,G=200,B=150'],
    ['an object', { style: 'json' }, { a: 1 }, '%7B%22a%22%3A1%7D'],
  ])('writes %s with %j into a path: %j becomes %s', (_what, style, value, expected) => {
    expect(toPathPart('color', value, style)).toBe(expected);
  });

  it.each<[ValueStyle, JsonValue, string]>([
    [{}, 'blue', 'color=blue'],
    [{}, '', 'color='],
    [{}, LIST, 'color=blue&color=black&color=brown'],
    [{ explode: false }, LIST, 'color=blue,black,brown'],
    [{}, OBJECT, 'R=100&G=200&B=150'],
    [{ explode: false }, OBJECT, 'color=R,100,G,200,B,150'],
    [{ style: 'spaceDelimited' }, LIST, 'color=blue%20black%20brown'],
    [{ style: 'spaceDelimited' }, OBJECT, 'color=R%20100%20G%20200%20B%20150'],
    [{ style: 'pipeDelimited' }, LIST, 'color=blue%7Cblack%7Cbrown'],
    [{ style: 'pipeDelimited' }, OBJECT, 'color=R%7C100%7CG%7C200%7CB%7C150'],
    [{ style: 'pipeDelimited', explode: true }, LIST, 'color=blue&color=black&color=brown'],
    [{ style: 'tabDelimited' }, LIST, 'color=blue%09black%09brown'],
    [{ style: 'deepObject', explode: true }, OBJECT, 'color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150'],
    [
      { style: 'deepObject' },
      { a: { b: 1 }, c: ['x', 'y'] },
      'color%5Ba%5D%5Bb%5D=1&color%5Bc%5D%5B0%5D=x&color%5Bc%5D%5B1%5D=y',
    ],
    [{ style: 'json' }, { a: ['ü'] }, 'color=%7B%22a%22%3A%5B%22%C3%BC%22%5D%7D'],
    [{ allowReserved: true }, 'a/b?c=d&e#f+g', 'color=a/b?c=d%26e%23f%2Bg'],
    [{}, [], ''],
    [{}, null, ''],
    [{ style: 'deepObject' }, { a: null }, ''],
  ])('writes %j into a query: %j becomes %s', (style, value, expected) => {
    expect(query(value, style)).toBe(expected);
  });

  it.each<[ValueStyle, JsonValue, string]>([
    [{}, 'a b', 'a b'],
    [{}, LIST, 'blue,black,brown'],
    [{}, OBJECT, 'R,100,G,200,B,150'],
    [{ explode: true }, OBJECT, 'R=100,G=200,B=150'],
    [{ style: 'json' }, [1], '[1]'],
  ])('writes %j into a header: %j becomes %s', (style, value, expected) => {
    expect(toHeaderText(value, style)).toBe(expected);
  });

  it('encodes names, and separators within values', () => {
    expect(query(['a,b', 'c'], { explode: false }, 'page[size]')).toBe('page%5Bsize%5D=a%2Cb,c');
    expect(query(['a|b'], { style: 'pipeDelimited' }, 'größe')).toBe('gr%C3%B6%C3%9Fe=a%7Cb');
  });
});

/** The styles other than those of query strings are those of RFC 6570, of which `url-template` is an implementation. */
describe('the styles of URI templates', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((each) => each.isWellFormed());
  const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
  const scalar = fc.oneof(text, fc.integer(), fc.boolean());
  const value = fc.oneof(
    scalar,
    fc.array(scalar, { minLength: 1, maxLength: 4 }),
    fc.dictionary(name, scalar, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
  );

  const expand = (operator: string, explode: boolean, given: unknown): string =>
    parseTemplate(`{${operator}v${explode ? '*' : ''}}`).expand({ v: given as string });

  it.each([
    ['simple', ''],
    ['label', '.'],
    ['matrix', ';'],
  ] as const)('writes any value in the style %s like an implementation of RFC 6570', (style, operator) => {
    fc.assert(
      fc.property(value, fc.boolean(), (given, explode) => {
        expect(toPathPart('v', given as JsonValue, { style, explode })).toBe(expand(operator, explode, given));
      }),
    );
  });

  it('writes any value in the style form like an implementation of RFC 6570', () => {
    fc.assert(
      fc.property(value, fc.boolean(), (given, explode) => {
        expect(`?${query(given as JsonValue, { explode }, 'v')}`).toBe(expand('?', explode, given));
      }),
    );
  });

  it('writes deep objects so that URLSearchParams reads each value at its path', () => {
    fc.assert(
      fc.property(
        fc.dictionary(name, fc.dictionary(name, text, { noNullPrototype: true }), { noNullPrototype: true }),
        (given) => {
          const read = [...new URLSearchParams(query(given, { style: 'deepObject' }, 'v'))];
          const paths = Object.entries(given).flatMap(([outer, members]) =>
            Object.entries(members).map(([inner, each]) => [`v[${outer}][${inner}]`, each]),
          );
          expect(read).toEqual(paths);
        },
      ),
    );
  });
});
