import { describe, expect, it } from '@jest/globals';
import { CallToolResultSchema, ListToolsResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { JsonObject } from '../json.js';
import { decodeLegacyRequest, encodeLegacyRequest, encodeLegacyResult, negotiateLegacy } from './legacy.js';
import { LEGACY_REVISIONS } from './revisions.js';

const request = (params: JsonObject) => ({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }) as const;

describe('a legacy request', () => {
  it('decodes to params and a separate progress token', () => {
    expect(decodeLegacyRequest(request({ name: 'a', _meta: { progressToken: 0, traceparent: 't' } }))).toStrictEqual({
      method: 'tools/call',
      params: { name: 'a', _meta: { traceparent: 't' } },
      progressToken: 0,
    });
  });

  it('keeps the same params object if there is no token', () => {
    const params = { name: 'a', _meta: { traceparent: 't' } };
    expect(decodeLegacyRequest(request(params)).params).toBe(params);
    expect(encodeLegacyRequest({ method: 'tools/call', params }, {})).toBe(params);
  });

  it('has no progress token if its token is neither a string nor a number', () => {
    expect(decodeLegacyRequest(request({ _meta: { progressToken: {} } }))).toStrictEqual({
      method: 'tools/call',
      params: {},
    });
    expect(decodeLegacyRequest({ jsonrpc: '2.0', id: 1, method: 'ping' })).toStrictEqual({
      method: 'ping',
      params: {},
    });
  });

  it('is encoded with a token of the gateway', () => {
    const neutral = {
      method: 'tools/call',
      params: { name: 'a', _meta: { traceparent: 't' } },
      progressToken: 'theirs',
    };
    expect(encodeLegacyRequest(neutral, { progressToken: 5 })).toStrictEqual({
      name: 'a',
      _meta: { traceparent: 't', progressToken: 5 },
    });
  });
});

describe('a result for a legacy client', () => {
  const audio = { type: 'audio', data: 'AAAA', mimeType: 'audio/wav', annotations: { priority: 1 } };
  const link = {
    type: 'resource_link',
    uri: 'file:///a',
    name: 'a.txt',
    title: 'A',
    description: 'the first',
    size: 3,
  };
  const text = { type: 'text', text: 'x' };

  it('is unchanged if its revision knows all of it', () => {
    const result = { content: [text, audio, link], structuredContent: { a: 1 }, _meta: { mine: 1 } };
    expect(encodeLegacyResult('tools/call', result, '2025-06-18')).toBe(result);
    expect(encodeLegacyResult('tools/call', result, '2025-11-25')).toBe(result);
    const old = { content: [text] };
    expect(encodeLegacyResult('tools/call', old, '2024-11-05')).toBe(old);
    const list = { tools: [{ name: 'a', inputSchema: {}, outputSchema: { type: 'object' } }] };
    expect(encodeLegacyResult('tools/list', list, '2025-11-25')).toBe(list);
  });

  it('loses the members of the modern era', () => {
    const server = { 'io.modelcontextprotocol/serverInfo': { name: 's', version: '1' } };
    const modern = { resultType: 'complete', ttlMs: 1, cacheScope: 'public', tools: [], _meta: { ...server, mine: 1 } };
    expect(encodeLegacyResult('tools/list', modern, '2025-11-25')).toStrictEqual({ tools: [], _meta: { mine: 1 } });
    expect(encodeLegacyResult('tools/list', { tools: [], _meta: server }, '2025-11-25')).toStrictEqual({ tools: [] });
  });

  it('throws if the result is not complete', () => {
    const inputRequired = { resultType: 'input_required', requestState: 's' };
    expect(() => encodeLegacyResult('tools/call', inputRequired, '2025-11-25')).toThrow('"input_required"');
  });

  it('contains audio as a blob before 2025-03-26', () => {
    expect(encodeLegacyResult('tools/call', { content: [text, audio] }, '2024-11-05')).toStrictEqual({
      content: [
        text,
        {
          type: 'resource',
          resource: { uri: 'audio://content/1', mimeType: 'audio/wav', blob: 'AAAA' },
          annotations: { priority: 1 },
        },
      ],
    });
    const known = { content: [audio] };
    expect(encodeLegacyResult('tools/call', known, '2025-03-26')).toBe(known);
  });

  it('contains a resource link as text before 2025-06-18, in prompts too', () => {
    const linkText = { type: 'text', text: 'A\nfile:///a\nthe first' };
    expect(encodeLegacyResult('tools/call', { content: [link, text] }, '2025-03-26')).toStrictEqual({
      content: [linkText, text],
    });
    expect(
      encodeLegacyResult('prompts/get', { messages: [{ role: 'user', content: link }] }, '2025-03-26'),
    ).toStrictEqual({
      messages: [{ role: 'user', content: linkText }],
    });
  });

  it.each([
    [[1, 2], [], [{ type: 'text', text: '[1,2]' }]],
    ['x', [text], [text]],
    [null, [link], [link, { type: 'text', text: 'null' }]],
  ])('has structured content that is no object in an envelope, and as text: %j', (structured, content, shown) => {
    const wide = { resultType: 'complete', content, structuredContent: structured };
    const narrow = encodeLegacyResult('tools/call', wide, '2025-11-25');
    expect(narrow).toStrictEqual({ content: shown, structuredContent: { result: structured } });
    expect(CallToolResultSchema.safeParse(narrow).success).toBe(true);
  });

  it('has the schema of an envelope for an output schema of another type, with its references', () => {
    const outputSchema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      anyOf: [{ $ref: '#/$defs/a' }, { type: 'array', items: { $ref: '#' } }, { $ref: '#name' }],
      $defs: { a: { const: { $ref: '#/x' }, properties: { const: { $ref: '#/$defs/a' } } }, b: { $anchor: 'name' } },
    };
    const tool = { name: 'a', inputSchema: { type: 'object' }, outputSchema };
    const list = encodeLegacyResult('tools/list', { tools: [tool] }, '2025-11-25');
    const { tools } = ListToolsResultSchema.parse(list);
    expect(tools[0]?.outputSchema).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      required: ['result'],
      properties: {
        result: {
          ...outputSchema,
          anyOf: [
            { $ref: '#/properties/result/$defs/a' },
            { type: 'array', items: { $ref: '#/properties/result' } },
            { $ref: '#name' },
          ],
          $defs: {
            a: { const: { $ref: '#/x' }, properties: { const: { $ref: '#/properties/result/$defs/a' } } },
            b: { $anchor: 'name' },
          },
        },
      },
    });
  });

  it('refers to the envelope where a schema of 2019-09 refers to itself', () => {
    const $schema = 'https://json-schema.org/draft/2019-09/schema';
    const outputSchema = { $schema, type: 'array', items: { $recursiveRef: '#' } };
    const tool = { name: 'a', inputSchema: { type: 'object' }, outputSchema };
    expect(encodeLegacyResult('tools/list', { tools: [tool] }, '2025-11-25')).toMatchObject({
      tools: [{ outputSchema: { $schema, properties: { result: { items: { $ref: '#/properties/result' } } } } }],
    });
  });

  it.each(['tools/call', 'tools/list', 'prompts/get'])(
    'passes malformed members of a server unchanged (%s)',
    (method) => {
      const nonsense = { content: [null, 5, {}], tools: [null, 'x'], messages: [null, { content: 7 }, {}] };
      expect(encodeLegacyResult(method, nonsense, '2024-11-05')).toBe(nonsense);
    },
  );
});

describe('the legacy handshake', () => {
  it('negotiates the requested revision if it is a legacy one, else the latest', () => {
    for (const revision of LEGACY_REVISIONS) expect(negotiateLegacy(revision)).toBe(revision);
    for (const other of ['2026-07-28', '1999-01-01', '', undefined, null, 5, {}]) {
      expect(negotiateLegacy(other)).toBe('2025-11-25');
    }
  });
});
