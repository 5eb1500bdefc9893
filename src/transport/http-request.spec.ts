import { describe, expect, it } from '@jest/globals';
import { requireAccept, readJsonBody } from './http-request.js';

const JSON_TYPE = { 'content-type': 'application/json' };
const refusal = (status: number, message?: string) =>
  expect.objectContaining({
    httpStatus: status,
    ...(message !== undefined && { message: expect.stringContaining(message) }),
  });

describe('a body', () => {
  it.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON ;x=y'])(
    'of type %s is read',
    (type) => {
      expect(readJsonBody({ 'content-type': type }, Buffer.from('{"ä":[1]}'))).toEqual({ ä: [1] });
    },
  );

  it.each(['text/plain', 'application/jsonp', 'application/json-patch+json', 'xapplication/json', ''])(
    'of type %j is refused with 415',
    (type) => {
      expect(() => readJsonBody({ 'content-type': type }, Buffer.from('{}'))).toThrow(refusal(415));
    },
  );

  it('of no type is refused with 415', () => {
    expect(() => readJsonBody({}, Buffer.from('{}'))).toThrow(refusal(415, 'Content-Type'));
  });

  it('that is encoded is refused with 415, unless that means nothing', () => {
    expect(() => readJsonBody({ ...JSON_TYPE, 'content-encoding': 'gzip' }, Buffer.from('{}'))).toThrow(refusal(415));
    expect(readJsonBody({ ...JSON_TYPE, 'content-encoding': 'identity' }, Buffer.from('{}'))).toEqual({});
  });

  it.each<[string, unknown]>([
    ['missing', undefined],
    ['empty', Buffer.alloc(0)],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['cut short', Buffer.from('{"a":')],
    ['no JSON', Buffer.from('hello')],
    ['too deep', Buffer.from('['.repeat(100) + ']'.repeat(100))],
  ])('that is %s is refused with 400 as unreadable', (_what, body) => {
    expect(() => readJsonBody(JSON_TYPE, body)).toThrow(expect.objectContaining({ httpStatus: 400, code: -32700 }));
  });
});

describe('a client', () => {
  const demand = (accept?: string) => () =>
    requireAccept(accept === undefined ? {} : { accept }, 'application/json', 'text/event-stream');

  it.each([
    'application/json, text/event-stream',
    'text/event-stream;q=0.5,application/json;q=0.9',
    'Application/JSON, Text/Event-Stream',
    '*/*',
    'application/*, text/*',
    undefined,
  ])('that accepts %j is served', (accept) => {
    expect(demand(accept)).not.toThrow();
  });

  it.each(['application/json', 'text/event-stream', 'text/html', 'image/*', ''])(
    'that accepts only %j is refused',
    (accept) => {
      expect(demand(accept)).toThrow(refusal(406, 'application/json and text/event-stream'));
    },
  );
});
