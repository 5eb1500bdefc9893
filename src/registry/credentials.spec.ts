import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject } from '#lib/mcp-protocol';
import { findSecretReferences, isHarmless, mapCredentials, selectCredentialMembers } from './credentials.js';

const mask = (source: JsonObject) =>
  mapCredentials(source, (value, path) => (isHarmless(source, value, path) ? value : '[kept]'));

describe('mapCredentials', () => {
  it('finds every member of a server that may hold a credential', () => {
    const source = {
      transport: 'rest',
      url: 'https://u.example/a?key=s1&plain&key=s2&empty=#f',
      headers: { Authorization: 's3' },
      tools: {
        get: { path: '/x', headers: { A: 's4' }, query: { q: 's5', n: 7 }, body: { a: ['s6', { b: 's7', c: null }] } },
        bare: { path: '/y' },
      },
    };
    expect(mask(source)).toEqual({
      transport: 'rest',
      url: 'https://u.example/a?key=[kept]&[kept]&key=[kept]&empty=#f',
      headers: { Authorization: '[kept]' },
      tools: {
        get: {
          path: '/x',
          headers: { A: '[kept]' },
          query: { q: '[kept]', n: '[kept]' },
          body: { a: ['[kept]', { b: '[kept]', c: null }] },
        },
        bare: { path: '/y' },
      },
    });
    expect(selectCredentialMembers(source).map(([member]) => member)).toEqual(['url', 'headers', 'tools']);
    expect(selectCredentialMembers({ url: 'https://u.example/', tools: { bare: { path: '/y' } } })).toEqual([]);
  });

  it('leaves references to secrets and declared arguments visible', () => {
    const inputSchema = { type: 'object', properties: { city: {} } };
    const source = {
      url: 'https://u.example/?key=${secret:weather}',
      headers: { Authorization: 'Bearer ${secret:weather}', B: 'x${secret:weather}', C: '$${secret:weather}' },
      tools: { get: { inputSchema, query: { a: '{city}', b: '{other}', c: 'x{city}' } } },
    };
    expect(mask(source)).toEqual({
      url: 'https://u.example/?key=${secret:weather}',
      headers: { Authorization: 'Bearer ${secret:weather}', B: '[kept]', C: '[kept]' },
      tools: { get: { inputSchema, query: { a: '{city}', b: '[kept]', c: '[kept]' } } },
    });
    expect([...findSecretReferences(source)]).toEqual(['weather']);
  });

  it('reveals no value of any credential member of any entry', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9+/_-]{12,40}$/).map((text) => `s3cr3t${text}`);
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        secret,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('value')),
      ),
    })).value;
    const map = fc.dictionary(fc.string({ minLength: 1 }), secret, { maxKeys: 4 });
    const entry = fc.record(
      {
        url: fc
          .array(fc.tuple(fc.constantFrom('', 'a=', 'key='), secret), { maxLength: 4 })
          .map((parts) => `https://x.example/p?${parts.map(([name, value]) => `${name}${value}`).join('&')}`),
        headers: map,
        env: map,
        args: fc.array(secret),
        tools: fc.dictionary(
          fc.string(),
          fc.record({ path: fc.constant('/x'), headers: map, query: map, body: json }, { requiredKeys: [] }),
        ),
        value: secret,
      },
      { requiredKeys: [] },
    );
    fc.assert(fc.property(entry, (source) => !JSON.stringify(mask(source as JsonObject)).includes('s3cr3t')));
    fc.assert(
      fc.property(entry, (source) => {
        const sealed = new Set(selectCredentialMembers(source as JsonObject).map(([member]) => member));
        const plain = Object.entries(source).filter(([member]) => !sealed.has(member));
        return !JSON.stringify(plain).includes('s3cr3t');
      }),
    );
  });
});
