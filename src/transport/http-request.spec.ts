import { describe, expect, it } from '@jest/globals';
import { readJsonBody, requireAccept, requireJsonHeaders } from './http-request.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const refusal = (status: number, message?: string) =>
  expect.objectContaining({
    httpStatus: status,
    ...(message !== undefined && { message: expect.stringContaining(message) }),
  });

describe('requireJsonHeaders', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON \t;x=y'])(
    'admits a body of type %s',
    (type) => {
      expect(() => requireJsonHeaders({ 'content-type': type })).not.toThrow();
    },
  );

  it.each([
    'text/plain',
    'application/jsonp',
    'application/json-patch+json',
    'xapplication/json',
    '',
    'application/json\u00a0',
  ])('rejects a body of type %j with 415', (type) => {
    expect(() => requireJsonHeaders({ 'content-type': type })).toThrow(refusal(415));
  });

  it('rejects a body without a type with 415', () => {
    expect(() => requireJsonHeaders({})).toThrow(refusal(415, 'Content-Type'));
  });

  it('rejects an encoded body with 415, and admits the identity encoding', () => {
    expect(() => requireJsonHeaders({ ...JSON_TYPE, 'content-encoding': 'gzip' })).toThrow(refusal(415));
    expect(() => requireJsonHeaders({ ...JSON_TYPE, 'content-encoding': 'identity' })).not.toThrow();
  });
});

describe('readJsonBody', () => {
  it('reads a body of UTF-8', () => {
    expect(readJsonBody(Buffer.from('{"ä":[1]}'))).toEqual({ ä: [1] });
  });

  it.each<[string, unknown]>([
    ['missing', undefined],
    ['empty', Buffer.alloc(0)],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['truncated', Buffer.from('{"a":')],
    ['no JSON', Buffer.from('hello')],
    ['nested too deeply', Buffer.from('['.repeat(100) + ']'.repeat(100))],
  ])('rejects a body that is %s with 400 and a parse error', (_what, body) => {
    expect(() => readJsonBody(body)).toThrow(expect.objectContaining({ httpStatus: 400, code: -32700 }));
  });
});

describe('requireAccept', () => {
  const demand = (accept?: string) => () =>
    requireAccept(accept === undefined ? {} : { accept }, 'application/json', 'text/event-stream');

  it.each([
    'application/json, text/event-stream',
    'text/event-stream;q=0.5,application/json;q=0.9',
    'Application/JSON, Text/Event-Stream',
    '*/*',
    'application/*, text/*',
    undefined,
  ])('admits a client that accepts %j', (accept) => {
    expect(demand(accept)).not.toThrow();
  });

  it.each(['application/json', 'text/event-stream', 'text/html', 'image/*', ''])(
    'rejects a client that accepts only %j with 406',
    (accept) => {
      expect(demand(accept)).toThrow(refusal(406, 'application/json and text/event-stream'));
    },
  );
});
