import { describe, expect, it } from '@jest/globals';
import { JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import fc from 'fast-check';
import type { JsonValue } from './json.js';
import { parseJson } from './parse-json.js';
import { readBatch, readMessage } from './read-message.js';

const read = (value: JsonValue) => readMessage(value);

describe('reading a JSON-RPC message', () => {
  it.each([
    ['request', { jsonrpc: '2.0', id: 0, method: 'ping' }],
    ['request', { jsonrpc: '2.0', id: '', method: 'tools/list', params: {} }],
    ['request', { jsonrpc: '2.0', id: Number.MAX_SAFE_INTEGER, method: 'ping' }],
    ['request', { jsonrpc: '2.0', id: 'x'.repeat(1024), method: 'ping' }],
    ['notification', { jsonrpc: '2.0', method: 'notifications/initialized' }],
    ['response', { jsonrpc: '2.0', id: 'a', result: {} }],
    ['response', { jsonrpc: '2.0', id: 1, error: { code: -32600, message: '' } }],
    ['response', { jsonrpc: '2.0', id: null, error: { code: 1, message: 'x', data: [] } }],
    ['response', { jsonrpc: '2.0', error: { code: 1, message: 'x' } }],
  ])('recognizes a %s and returns the same object', (kind, value) => {
    const reading = read(value);
    expect(reading.kind).toBe(kind);
    expect('message' in reading && reading.message).toBe(value);
  });

  it.each<[string, JsonValue, number | string | undefined]>([
    ['null', null, undefined],
    ['a text', 'ping', undefined],
    ['an array', [], undefined],
    ['another version', { jsonrpc: '1.0', id: 7, method: 'ping' }, 7],
    ['no version', { id: 'a', method: 'ping' }, 'a'],
    ['a null id', { jsonrpc: '2.0', id: null, method: 'ping' }, undefined],
    ['a fractional id', { jsonrpc: '2.0', id: 1.5, method: 'ping' }, undefined],
    ['an unsafe id', { jsonrpc: '2.0', id: 2 ** 53, method: 'ping' }, undefined],
    ['an id that is an object', { jsonrpc: '2.0', id: {}, method: 'ping' }, undefined],
    ['an id that is too long', { jsonrpc: '2.0', id: 'x'.repeat(1025), method: 'ping' }, undefined],
    ['an empty method', { jsonrpc: '2.0', id: 1, method: '' }, 1],
    ['a method that is not a string', { jsonrpc: '2.0', id: 1, method: 5 }, 1],
    ['a null method', { jsonrpc: '2.0', id: 1, method: null, result: {} }, 1],
    ['params in an array', { jsonrpc: '2.0', id: 1, method: 'ping', params: [] }, 1],
    ['null params', { jsonrpc: '2.0', id: 1, method: 'ping', params: null }, 1],
    ['a request with a result', { jsonrpc: '2.0', id: 1, method: 'ping', result: {} }, 1],
    ['both result and error', { jsonrpc: '2.0', id: 1, result: {}, error: { code: 1, message: '' } }, 1],
    ['neither', { jsonrpc: '2.0', id: 1 }, 1],
    ['a null result', { jsonrpc: '2.0', id: 1, result: null }, 1],
    ['a result that is a list', { jsonrpc: '2.0', id: 1, result: [] }, 1],
    ['a result without id', { jsonrpc: '2.0', result: {} }, undefined],
    ['a result with a null id', { jsonrpc: '2.0', id: null, result: {} }, undefined],
    ['an error that is a text', { jsonrpc: '2.0', id: 1, error: 'Unauthorized' }, 1],
    ['an error with a fractional code', { jsonrpc: '2.0', id: 1, error: { code: 1.5, message: '' } }, 1],
    ['an error without message', { jsonrpc: '2.0', id: 1, error: { code: 1 } }, 1],
    ['an error with an odd id', { jsonrpc: '2.0', id: [], error: { code: 1, message: '' } }, undefined],
  ])('rejects %s', (_what, value, id) => {
    expect(read(value)).toMatchObject({ kind: 'invalid', error: { code: -32600 } });
    expect(read(value)).toHaveProperty('error.message', expect.stringMatching(/^Invalid request: .+\.$/));
    const reading = read(value);
    expect(reading.kind === 'invalid' && reading.id).toBe(id);
  });

  it('rejects an integer beyond the safe range at every position of the envelope', () => {
    const big = '12345678901234567890';
    expect(read(parseJson(`{"jsonrpc":"2.0","id":${big},"method":"ping"}`)).kind).toBe('invalid');
    expect(read(parseJson(`{"jsonrpc":"2.0","id":1,"method":"ping","params":${big}}`)).kind).toBe('invalid');
    expect(read(parseJson(`{"jsonrpc":"2.0","id":1,"result":${big}}`)).kind).toBe('invalid');
    expect(read(parseJson(`{"jsonrpc":"2.0","id":1,"error":${big}}`)).kind).toBe('invalid');
  });

  it('rejects an error code that a double cannot represent', () => {
    expect(read({ jsonrpc: '2.0', id: 1, error: { code: 2 ** 53, message: 'x' } }).kind).toBe('invalid');
  });

  it('accepts nothing that the official schema rejects', () => {
    const member = fc.oneof(
      fc.constantFrom('2.0', 'ping', 1, -1, 1.5, null, {}, [], ''),
      fc.jsonValue({ maxDepth: 2 }),
    );
    const envelope = fc.record(
      {
        jsonrpc: fc.oneof({ weight: 9, arbitrary: fc.constant('2.0') }, member),
        id: member,
        method: member,
        params: member,
        result: member,
        error: fc.oneof(
          member,
          fc.record({ code: fc.oneof(fc.integer(), member), message: fc.oneof(fc.string(), member) }),
        ),
      },
      { requiredKeys: ['jsonrpc'] },
    );
    fc.assert(
      fc.property(envelope, (value) => {
        const reading = read(value);
        if (reading.kind === 'invalid') return;
        // A response may have additional members; the schema is stricter there.
        const { params: _ignored, ...answer } = value;
        const { success } = JSONRPCMessageSchema.safeParse(reading.kind === 'response' ? answer : value);
        // JSON-RPC itself answers an unreadable request with a null id; the schema allows only a missing one.
        const unreadable = reading.kind === 'response' && 'error' in reading.message && reading.message.id === null;
        expect(success || unreadable).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('distinguishes a batch from a message', () => {
    const batch = [{ jsonrpc: '2.0', method: 'a' }];
    expect(readBatch(batch)).toBe(batch);
    expect(readBatch({})).toBeUndefined();
  });
});
