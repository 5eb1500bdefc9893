import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readResourceUri, toPatternForms, type ResourceUri } from './resource-uri.js';

const read = (text: string, isTemplate = false): ResourceUri => {
  const uri = readResourceUri(text, isTemplate);
  if ('fault' in uri) throw new Error(uri.fault);
  return uri;
};

describe('readResourceUri', () => {
  it.each([
    ['FILE:///a', 'file:///a'],
    ['file:/a', 'file:///a'],
    ['file://localhost/a', 'file:///a'],
    ['file:\\\\\\a\\b', 'file:///a/b'],
    ['HTTP://Example.com:80/a', 'http://example.com/a'],
    ['https:example.com', 'https://example.com/'],
    ['http://bücher.example/', 'http://xn--bcher-kva.example/'],
    ['http://ex\u200bample.com/', 'http://example.com/'],
  ])('sends the special URI %j in its WHATWG form %j', (text, canonical) => {
    expect(read(text)).toMatchObject({ canonical, normal: canonical });
  });

  it.each(['https://example.com', 'file:///a b', 'file:///données', 'file:///%7Euser', 'http://h/%2f'])(
    'sends %j unchanged, because a server may compare the text that it lists',
    (text) => expect(read(text).canonical).toBe(text),
  );

  it.each(['Notes://Inbox', 'urn:isbn:1', 'screen', 'a b', 'http://exa mple/', 'db://h/a%2fb', 'x+y:z', ''])(
    'sends %j, which is no special URL, unchanged',
    (text) => expect(read(text).canonical).toBe(text),
  );

  it.each([
    ['file:///%73ecret', 'file:///secret'],
    ['file:///secret%2Fx', 'file:///secret/x'],
    ['file:///secret%252Fx', 'file:///secret/x'],
    ['file://localhost%2Fx', 'file:///x'],
    ['file:////secret//x', 'file:///secret/x'],
    ['file:///a%20b', 'file:///a b'],
    ['file:///donn%C3%A9es', 'file:///données'],
    ['file:///%FF%73', 'file:///%FFs'],
    ['notes://a%2Fb', 'notes://a/b'],
  ])('decodes %j to %j', (text, decoded) => expect(read(text).decoded).toBe(decoded));

  it.each([
    ['file://host/a', ['file:///a']],
    ['file:///a?q#f', ['file:///a']],
    ['https://me:pw@host/a', ['https://host/a']],
    ['db://host/t?id=1#x', ['db://host/t?id=1']],
    ['https://host/a?q', []],
  ])('finds the aliases of %j: %j', (text, aliases) => {
    expect(read(text).aliases).toEqual(aliases.length === 0 ? [] : expect.arrayContaining(aliases));
  });

  it.each([
    'file:///a/../b',
    'file:///a/..',
    'file:///./a',
    'file:///a/%2e%2E/b',
    'file:///a/.%2e/b',
    'file:///a%2F..%2fb',
    'file:///a/%252e%252e/b',
    'file:///a%2500',
    'file:///a%5c..%5cb',
    'file:///a\\..\\b',
    '../b',
    'notes://x/../y',
    ' file:///a',
    'file:///a ',
    '\u00a0file:///a',
    '\ufefffile:///a',
    'fi\tle:///a',
    'file:///a\n',
    'file:///a\0',
    'file:///a%00',
    'file:///a\u007f',
    'file:///a\u0085',
    'file:///a\ud800',
  ])('refuses %j and says what to do', (text) => {
    expect(readResourceUri(text)).toEqual({ fault: expect.stringMatching(/^The .+\. \w.+\.$/) });
  });

  it.each(['https://h/a?q=a/../b', 'https://h/a#../b', 'file:///a../b', 'file:///..a', 'file:///...', 'urn:a:..'])(
    'accepts %j, whose dots are no path segment',
    (text) => expect(read(text).canonical).toBe(text),
  );

  it('keeps the expressions of a template, and normalizes the text around them', () => {
    expect(read('FILE:///a/{path}/{+rest}{?q,r}', true)).toMatchObject({
      canonical: 'file:///a/{path}/{+rest}{?q,r}',
      decoded: 'file:///a/{path}/{+rest}{?q,r}',
    });
    expect(read('http://{host}:{port}/', true).canonical).toBe('http://{host}:{port}/');
    expect(read('{+uri}', true).canonical).toBe('{+uri}');
  });
});

describe('properties of any URI', () => {
  const segment = fc.stringMatching(/^[a-zA-Z0-9%._~ é-]{1,8}$/);
  const anyText = fc.oneof(
    fc
      .tuple(fc.constantFrom('file:///', 'FILE:/', 'https://Host/', 'notes://h/', 'urn:', ''), fc.array(segment))
      .map(([start, path]) => start + path.join('/')),
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    fc.string({ unit: 'grapheme' }),
  );

  it('reading the canonical or the normal form finds the same forms', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const uri = readResourceUri(text);
        if ('fault' in uri) return;
        for (const form of [uri.canonical, uri.normal]) {
          const again = readResourceUri(form);
          expect(again).toMatchObject({ normal: uri.normal, decoded: uri.decoded, aliases: uri.aliases });
          expect((again as ResourceUri).canonical).toBe(form);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('a text without a wildcard is a pattern of itself', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const uri = readResourceUri(text);
        if ('fault' in uri || /[*{}]/.test(text)) return;
        const { texts, decoded } = toPatternForms(text);
        expect(texts).toEqual(expect.arrayContaining([text, uri.normal]));
        expect(decoded).toContain(uri.decoded);
      }),
      { numRuns: 2_000 },
    );
  });
});
