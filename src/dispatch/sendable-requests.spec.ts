import { describe, expect, it } from '@jest/globals';
import type { JsonObject, Outcome } from '#lib/mcp-protocol';
import { findUnsendable } from './sendable-requests.js';

const find = (method: string, params: JsonObject = {}) => findUnsendable({ method, params });
const errorOf = (outcome: Outcome | undefined) => (outcome?.kind === 'error' ? outcome.error : undefined);

describe('a request that no server can receive', () => {
  it.each(['a\r\nb', 'a\nb', 'a b', 'a\tb', '検索', 'é', 'x'.repeat(257), '\u0000'])(
    'has the unknown method %j',
    (method) => {
      expect(errorOf(find(method))?.code).toBe(-32601);
    },
  );

  it.each<[string, JsonObject]>([
    ['params.name', { name: 'n'.repeat(1_025) }],
    ['params.uri', { uri: `file:///${'u'.repeat(8_192)}` }],
    ['params.ref.name', { ref: { name: 'n'.repeat(1_025) } }],
    ['params.ref.uri', { ref: { uri: 'u'.repeat(8_193) } }],
    ['params.name', { name: 'a\ud800' }],
    ['params.uri', { uri: 'file:///\udfff' }],
  ])('has an invalid %s', (path, params) => {
    expect(errorOf(find('tools/call', params))).toMatchObject({
      code: -32602,
      message: expect.stringContaining(`${path} `),
    });
  });

  it.each<[string, JsonObject]>([
    ['acme/x', { name: 7, uri: [], ref: 'x' }],
    ['tools/call', { name: '検索', arguments: {} }],
    ['resources/read', { uri: `file:///${'u'.repeat(8_000)}` }],
  ])('is not %s with params of usual size and any characters', (method, params) => {
    expect(find(method, params)).toBeUndefined();
  });
});
