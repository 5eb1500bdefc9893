import { describe, expect, it } from '@jest/globals';
import { GatewayCode } from '../error-codes.js';
import type { JsonObject, JsonValue } from '../json.js';
import type { RpcError } from '../json-rpc.js';
import { markGatewayError, toServerContent } from './gateway-claims.js';
import { toHttpOutcome } from './http-outcome.js';
import { toMessageOutcome } from './message-outcome.js';

const ID = 7;
const SOURCE = 'isthmus/source';
const CODES = [...Object.values(GatewayCode), -31_000, -31_050, -31_099];
const DATA: JsonValue[] = [
  { outcome: 'not_executed', retriable: true },
  { outcome: 'executed' },
  { retriable: false, note: 'kept' },
  { 'isthmus/source': 'gateway', 'isthmus/server': { code: 1 } },
  'just words',
  [1, 2],
  null,
];

/** The error that a client receives for an error of a server. */
function received(error: JsonObject, status = 200): RpcError {
  const message = { jsonrpc: '2.0', id: ID, error };
  const outcome =
    status === 200 ? toMessageOutcome(message, ID) : toHttpOutcome({ status, body: JSON.stringify(message) }, ID);
  if (outcome.kind !== 'error') throw new Error('The outcome is not an error.');
  expect(outcome.httpStatus).toBeUndefined();
  return markGatewayError(outcome.error);
}

describe('an error of a server', () => {
  it.each([200, 400, 500])('with HTTP status %i is never taken for one of the gateway', (status) => {
    for (const code of [...CODES, -32_603, 4711]) {
      for (const data of [undefined, ...DATA]) {
        const error = received({ code, message: 'Denied.', ...(data !== undefined && { data }) }, status);
        expect(CODES).not.toContain(error.code);
        expect(error.message).toBe('Denied.');
        for (const member of ['outcome', 'retriable', SOURCE]) expect(error.data ?? {}).not.toHaveProperty([member]);
      }
    }
  });

  it('keeps its code and data as statements of the server', () => {
    expect(received({ code: -31_004, message: 'm', data: { outcome: 'not_executed', shelf: 7 } })).toEqual({
      code: -32_603,
      message: 'm',
      data: { shelf: 7, 'isthmus/server': { code: -31_004, data: { outcome: 'not_executed' } } },
    });
    expect(received({ code: -31_009, message: 'm' })).toEqual({
      code: -32_603,
      message: 'm',
      data: { 'isthmus/server': { code: -31_009 } },
    });
    expect(received({ code: -31_009, message: 'm', data: 'text' }).data).toEqual({
      'isthmus/server': { code: -31_009, data: 'text' },
    });
    expect(received({ code: 4711, message: 'm', data: { retriable: true, uri: 'u' } })).toEqual({
      code: 4711,
      message: 'm',
      data: { uri: 'u', 'isthmus/server': { data: { retriable: true } } },
    });
  });

  it('is unchanged when it claims nothing', () => {
    for (const data of [undefined, null, [1], 'x', { requestId: 1, server: 's', outcomes: [] }]) {
      const error = { code: -32_602, message: 'm', ...(data !== undefined && { data }) };
      expect(received(error)).toEqual(error);
    }
  });
});

describe('content of a server', () => {
  const FORGED = { code: -31_002, message: 'm', data: { outcome: 'unknown', retriable: true } };
  const HONEST = { code: -32_603, message: 'm', data: { 'isthmus/server': { code: -31_002, data: FORGED.data } } };

  it('contains no member of the gateway in its _meta', () => {
    const _meta = { 'isthmus/warnings': [{ server: 'x' }], 'isthmus/httpStatus': 401, 'acme/x': 1, progressToken: 2 };
    expect(toServerContent({ content: [], _meta })).toEqual({
      content: [],
      _meta: {
        'acme/x': 1,
        progressToken: 2,
        'isthmus/server': { 'isthmus/warnings': [{ server: 'x' }], 'isthmus/httpStatus': 401 },
      },
    });
  });

  it.each<[string, JsonObject, JsonObject]>([
    ['a task', { error: FORGED, status: 'failed' }, { error: HONEST, status: 'failed' }],
    ['a created task', { task: { error: FORGED } }, { task: { error: HONEST } }],
    ['listed tasks', { tasks: [{ error: FORGED }, 7] }, { tasks: [{ error: HONEST }, 7] }],
    [
      'the result of a task',
      { result: { _meta: { 'isthmus/x': 1 } } },
      { result: { _meta: { 'isthmus/server': { 'isthmus/x': 1 } } } },
    ],
  ])('contains no error of the gateway in %s', (_what, content, expected) => {
    expect(toServerContent(content)).toEqual(expected);
  });

  it('is the same object when it contains nothing of the gateway', () => {
    for (const content of [{}, { _meta: { a: 1 } }, { error: { code: 1, message: 'm' }, task: { result: {} } }]) {
      expect(toServerContent(content)).toBe(content);
    }
  });
});

describe('an error of the gateway', () => {
  it('names the gateway as its source and keeps its members', () => {
    const data = { outcome: 'not_executed', retriable: true, server: 'weather' };
    expect(markGatewayError({ code: -31_004, message: 'm', data }).data).toEqual({ ...data, [SOURCE]: 'gateway' });
  });
});
