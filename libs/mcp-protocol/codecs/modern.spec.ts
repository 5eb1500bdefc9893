import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '../json.js';
import type { JsonRpcRequest } from '../json-rpc.js';
import { parseJson } from '../parse-json.js';
import { decodeModernRequest, encodeModernRequest, encodeModernResult, modernStatusOf } from './modern.js';

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const CLIENT = 'io.modelcontextprotocol/clientInfo';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const LEVEL = 'io.modelcontextprotocol/logLevel';

const fullMeta = {
  [VERSION]: '2026-07-28',
  [CLIENT]: { name: 'c', version: '1' },
  [CAPABILITIES]: { elicitation: { url: {} } },
  [LEVEL]: 'warning',
  progressToken: 'p1',
};
const request = (params?: JsonObject): JsonRpcRequest => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  ...(params !== undefined && { params }),
});
const withMeta = (meta: JsonValue) => request({ name: 'echo', _meta: meta });

describe('a modern request', () => {
  it('decodes to params and separate protocol fields', () => {
    const trace = { traceparent: '00-0af7-b7ad-01', 'com.example/tag': 1, 'io.modelcontextprotocol/extension': true };
    const message = withMeta({ ...fullMeta, ...trace });
    const before = structuredClone(message);
    expect(decodeModernRequest(message)).toStrictEqual({
      request: {
        method: 'tools/call',
        params: { name: 'echo', _meta: trace },
        progressToken: 'p1',
        logLevel: 'warning',
      },
      client: {
        revision: '2026-07-28',
        capabilities: { elicitation: { url: {} } },
        clientInfo: { name: 'c', version: '1' },
      },
    });
    expect(message).toStrictEqual(before);
  });

  it('has no _meta after decoding if it contained nothing else', () => {
    const message = withMeta({ [VERSION]: '2026-07-28', [CAPABILITIES]: {} });
    expect(decodeModernRequest(message)).toStrictEqual({
      request: { method: 'tools/call', params: { name: 'echo' } },
      client: { revision: '2026-07-28', capabilities: {} },
    });
  });

  it('keeps a key named __proto__ a key', () => {
    const meta = JSON.stringify({ ...fullMeta }).replace('{', '{"__proto__":{"x":1},');
    const decoded = decodeModernRequest(withMeta(parseJson(meta)));
    expect('request' in decoded && JSON.stringify(decoded.request.params)).toBe(
      '{"name":"echo","_meta":{"__proto__":{"x":1}}}',
    );
  });

  it.each<[string, JsonRpcRequest]>([
    ['no params', request()],
    ['no _meta', request({})],
    ['a _meta that is not an object', withMeta([])],
    ['no version', withMeta({ [CAPABILITIES]: {} })],
    ['a version that is not a string', withMeta({ ...fullMeta, [VERSION]: 20260728 })],
    ['no capabilities', withMeta({ [VERSION]: '2026-07-28' })],
    ['capabilities that are not an object', withMeta({ ...fullMeta, [CAPABILITIES]: [] })],
    ['client info that is not an object', withMeta({ ...fullMeta, [CLIENT]: 'c' })],
    ['an unknown log level', withMeta({ ...fullMeta, [LEVEL]: 'loud' })],
    ['a progress token of another type', withMeta({ ...fullMeta, progressToken: true })],
    ['a null progress token', withMeta({ ...fullMeta, progressToken: null })],
  ])('with %s is rejected as invalid', (_what, message) => {
    expect(decodeModernRequest(message)).toMatchObject({ error: { code: -32602 }, httpStatus: 400 });
  });

  it('names a log level that does not exist, and those that do', () => {
    expect(decodeModernRequest(withMeta({ ...fullMeta, [LEVEL]: 'loud' }))).toMatchObject({
      error: { message: expect.stringMatching(/"loud"; it must be one of debug, info, .*emergency/) },
    });
  });

  it.each(['2025-11-25', '1900-01-01', '2027-01-01', ''])(
    'of revision %j is rejected with the supported revisions',
    (revision) => {
      expect(decodeModernRequest(withMeta({ [VERSION]: revision }))).toStrictEqual({
        error: {
          code: -32022,
          message: `Unsupported protocol version "${revision}". Supported: 2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05.`,
          data: {
            supported: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
            requested: revision,
          },
        },
        httpStatus: 400,
      });
    },
  );

  it('is encoded with the identity of its client and a token of the gateway', () => {
    const decoded = decodeModernRequest(withMeta({ ...fullMeta, traceparent: 't' }));
    if (!('request' in decoded)) throw new Error('not decoded');
    const params = encodeModernRequest(decoded.request, decoded.client, { revision: '2026-07-28', progressToken: 7 });
    expect(params).toStrictEqual({ name: 'echo', _meta: { ...fullMeta, traceparent: 't', progressToken: 7 } });
    expect(decoded.request.params).toStrictEqual({ name: 'echo', _meta: { traceparent: 't' } });
  });

  it('is encoded without members that the client omitted', () => {
    const client = { revision: '2025-11-25', capabilities: {} };
    expect(encodeModernRequest({ method: 'tools/list', params: {} }, client, { revision: '2026-07-28' })).toStrictEqual(
      {
        _meta: { [VERSION]: '2026-07-28', [CAPABILITIES]: {} },
      },
    );
  });
});

describe('a result for a modern client', () => {
  it('is unchanged if nothing is missing', () => {
    const list = { resultType: 'complete', tools: [], ttlMs: 5, cacheScope: 'public' };
    expect(encodeModernResult('tools/list', list)).toBe(list);
    const call = { resultType: 'complete', content: [] };
    expect(encodeModernResult('tools/call', call)).toBe(call);
    const inputRequired = { resultType: 'input_required', requestState: 's' };
    expect(encodeModernResult('resources/read', inputRequired)).toBe(inputRequired);
  });

  it('gets a type, and safe caching hints where they are mandatory', () => {
    expect(encodeModernResult('tools/call', { content: [] })).toStrictEqual({ resultType: 'complete', content: [] });
    for (const method of [
      'tools/list',
      'prompts/list',
      'resources/list',
      'resources/templates/list',
      'resources/read',
    ]) {
      expect(encodeModernResult(method, { ttlMs: 9 })).toStrictEqual({
        resultType: 'complete',
        ttlMs: 9,
        cacheScope: 'private',
      });
    }
  });
});

it.each([
  [-32601, 404],
  [-32020, 400],
  [-32021, 400],
  [-32022, 400],
  [-32600, 400],
  [-32700, 400],
  [-32602, 200],
  [-32603, 200],
  [1, 200],
])('a modern client receives error %i with HTTP %i', (code, status) => {
  expect(modernStatusOf({ code, message: '' })).toBe(status);
});
