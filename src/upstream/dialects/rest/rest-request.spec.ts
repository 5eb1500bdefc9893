import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseJson, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { RestTool } from '../../../registry/index.js';
import { ArgumentFault } from './argument-fault.js';
import { composeRequest } from './rest-request.js';

const BASE = new URL('https://billing.example.com/api');

const tool = (method: RestTool['method'], path: string): RestTool => ({
  name: 'subject',
  method,
  path,
  inputSchema: { type: 'object', additionalProperties: true },
});

const compose = (method: RestTool['method'], path: string, args?: JsonValue, base = BASE) =>
  composeRequest(base, tool(method, path), args);

const JSON_BODY = ['content-type', 'application/json'];

describe('composeRequest', () => {
  it.each<[RestTool['method'], string, JsonObject, string]>([
    ['GET', '/bills', {}, '/api/bills'],
    ['GET', '/bills/{id}', { id: 7 }, '/api/bills/7'],
    ['GET', '/bills/{id}', { id: 'a b/...ü?#%2e' }, '/api/bills/a%20b%2F...%C3%BC%3F%23%252e'],
    ['GET', '/{a}/{b}.json', { a: 'x', b: true, c: 1 }, '/api/x/true.json?c=1'],
    ['GET', '/{a}/{a}', { a: 'x' }, '/api/x/x'],
    ['DELETE', '/bills/{id}', { id: 'x', hard: true }, '/api/bills/x?hard=true'],
    ['HEAD', '/bills', { 'odd name&': 'a=b&c' }, '/api/bills?odd%20name%26=a%3Db%26c'],
    [
      'GET',
      '/bills',
      { list: [1, 'b', { c: [2] }], none: null, empty: [] },
      '/api/bills?list=1&list=b&list=%7B%22c%22%3A%5B2%5D%7D',
    ],
    ['GET', '/bills', { filter: { open: true } }, '/api/bills?filter=%7B%22open%22%3Atrue%7D'],
  ])('maps %s %s with arguments %j to %s', (method, path, args, address) => {
    expect(compose(method, path, args)).toEqual({ method, path: address, body: null, headers: [] });
  });

  it.each(['POST', 'PUT', 'PATCH'] as const)(
    'sends arguments of %s that the path does not use as a JSON body',
    (method) => {
      const args = { id: 7, amount: 1.5, tags: ['a'], note: null };
      expect(compose(method, '/bills/{id}', args)).toEqual({
        method,
        path: '/api/bills/7',
        body: '{"amount":1.5,"tags":["a"],"note":null}',
        headers: JSON_BODY,
      });
      expect(compose(method, '/bills')).toMatchObject({ body: '{}' });
    },
  );

  describe('for a tool with header, query and body templates', () => {
    const mapped = (more: Partial<RestTool>, args: JsonObject) =>
      composeRequest(BASE, { ...tool('POST', '/bills/{id}'), ...more }, args);

    it('puts arguments into headers, query and body and omits those that are missing', () => {
      const more = {
        headers: { 'X-Tenant': '{tenant}', 'X-Who': 'user {user}', 'X-Fixed': 'yes' },
        query: { page: '{page}', tag: '{tags}', fixed: '1' },
        body: {
          amount: '{amount}',
          note: 'by {user}',
          lines: ['{line}', '{other}'],
          nested: { deep: '{deep}' },
          kind: 7,
        },
      };
      const args = {
        id: 1,
        tenant: 'a',
        user: 'ada',
        page: 2,
        tags: ['x', 'y'],
        amount: 1.5,
        line: [1, [2]],
        deep: null,
      };
      expect(mapped(more, { ...args, unnamed: 'nowhere' })).toEqual({
        method: 'POST',
        path: '/api/bills/1?page=2&tag=x&tag=y&fixed=1',
        headers: ['x-tenant', 'a', 'x-who', 'user ada', 'x-fixed', 'yes', ...JSON_BODY],
        body: '{"amount":1.5,"note":"by ada","lines":[[1,[2]]],"nested":{"deep":null},"kind":7}',
      });
      expect(mapped(more, { id: 1 })).toEqual({
        method: 'POST',
        path: '/api/bills/1?fixed=1',
        headers: ['x-fixed', 'yes', ...JSON_BODY],
        body: '{"lines":[],"nested":{},"kind":7}',
      });
    });

    it('puts arguments that no template uses into the body or the query, unless the tool defines these', () => {
      expect(mapped({ headers: { 'X-A': '{a}' } }, { id: 1, a: 'x', b: 2 })).toMatchObject({ body: '{"b":2}' });
      expect(mapped({ method: 'GET', headers: { 'X-A': '{a}' } }, { id: 1, a: 'x', b: 2 }).path).toBe(
        '/api/bills/1?b=2',
      );
      expect(mapped({ method: 'GET', query: { q: '{a}' } }, { id: 1, a: 'x', b: 2 }).path).toBe('/api/bills/1?q=x');
    });

    it('sends a value that is no object as the body', () => {
      expect(mapped({ body: '{items}' }, { id: 1, items: [1, 2] })).toMatchObject({ body: '[1,2]' });
      expect(mapped({ body: '{items}' }, { id: 1 })).toMatchObject({ body: 'null' });
    });

    it.each(['a\r\nX-Evil: 1', 'a\0', 'snow ☃'])('rejects %j as the value of a header', (a) => {
      expect(() => mapped({ headers: { 'X-A': '{a}' } }, { id: 1, a })).toThrow(/header X-A must be one line/);
    });
  });

  it("appends the tool's path and query to the server's URL", () => {
    const base = new URL('https://billing.example.com/api/?version=1');
    expect(compose('GET', '/bills', { a: 1 }, base).path).toBe('/api/bills?version=1&a=1');
    expect(compose('POST', '/bills', { a: 1 }, base).path).toBe('/api/bills?version=1');
    expect(compose('GET', '/bills', {}, new URL('https://billing.example.com')).path).toBe('/bills');
  });

  describe('for a tool with a schema', () => {
    const properties: JsonObject = {
      limit: { type: 'integer', minimum: 1, maximum: 9_223_372_036_854_776_000 },
      tags: { type: 'array', items: { type: 'string', pattern: '^(a+)+$' }, uniqueItems: true },
      place: { $ref: '#/$defs/Place' },
    };
    const $defs = { Place: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } };
    const schema = (more: JsonObject = {}): JsonObject => ({ type: 'object', properties, $defs, ...more });
    const send = (args: JsonValue, inputSchema = schema(), more: Partial<RestTool> = {}, base = BASE) =>
      composeRequest(base, { ...tool('POST', '/bills'), inputSchema, ...more }, args);

    it.each<[JsonValue, string, JsonObject?]>([
      [{ limit: '5' }, 'The argument limit must be an integer.'],
      [{ limit: 0 }, 'The argument limit must be at least 1.'],
      [{ tags: ['a', 'b'] }, 'The argument tags[1] must match the pattern ^(a+)+$.'],
      [{ tags: ['a', 'a'] }, 'The argument tags must not contain an item twice.'],
      [{ place: {} }, 'The argument place.city is missing.'],
      [{ place: { city: 7 } }, 'The argument place.city must be a string.'],
      [{ extra: 1 }, 'The argument extra is not allowed.', { additionalProperties: false }],
      [
        JSON.parse('{"__proto__":1}') as JsonObject,
        'The argument __proto__ is not allowed.',
        { additionalProperties: false },
      ],
      [{}, 'The argument limit is missing.', { required: ['limit'] }],
      [{ extra: 1 }, 'The argument extra must be a string.', { additionalProperties: { type: 'string' } }],
    ])('rejects %j: %s', (args, message, ...[more]) => {
      expect(() => send(args, schema(more))).toThrow(new ArgumentFault(message));
    });

    it('sends only declared arguments, unless the schema allows others explicitly', () => {
      const args = JSON.parse('{"limit":1,"extra":2,"__proto__":{"x":1},"constructor":3}') as JsonObject;
      expect(send(args).body).toBe('{"limit":1}');
      expect(send(args, schema({ allOf: [{ properties: { extra: {} } }] })).body).toBe('{"limit":1,"extra":2}');
      expect(send(args, schema({ patternProperties: { '^ex': {} } })).body).toBe('{"limit":1,"extra":2}');
      expect(send(args, schema({ additionalProperties: true })).body).toBe('{"limit":1,"extra":2,"constructor":3}');
      expect(send(args, schema(), { method: 'GET' }).path).toBe('/api/bills?limit=1');
    });

    it.each(['limit', 'LIMIT'])('never sends a declared argument whose name the operator has set as %s', (name) => {
      const base = new URL(`https://billing.example.com/api?${name}=10`);
      for (const method of ['GET', 'POST'] as const)
        expect(() => send({ limit: 99 }, schema(), { method }, base)).toThrow('The argument limit must be omitted');
      for (const more of [{ query: { [name]: '10' } }, { headers: { [name]: 'x-{tags}' } }])
        expect(() => send({ limit: 99 }, schema(), more)).toThrow('The argument limit must be omitted');
      expect(() => send({ limit: 99 }, schema(), { query: { [name]: '{limit}' } }, base)).toThrow(ArgumentFault);
    });

    it('never sends another spelling of a name that the operator has set', () => {
      const base = new URL('https://billing.example.com/api?api_key=secret');
      for (const name of [
        'api_key',
        'API_KEY',
        'api_key[]',
        'api_key[x]',
        ' api_key',
        'api.key',
        'api key',
        'api_key\0',
      ]) {
        const more = { method: 'GET' } as const;
        expect(() => send({ [name]: 'x' }, schema({ additionalProperties: true }), more, base)).toThrow(
          /must be omitted/,
        );
      }
    });

    it('validates large integers and sends their digits', () => {
      const args = parseJson('{"limit":9007199254740993}');
      expect(send(args).body).toBe('{"limit":9007199254740993}');
    });

    it('matches patterns in linear time', () => {
      expect(() => send({ tags: [`${'a'.repeat(50_000)}!`] })).toThrow('must match the pattern');
    });
  });

  it('preserves the digits of large integers', () => {
    const args = parseJson('{"id":12345678901234567890,"sum":98765432109876543210}');
    expect(compose('GET', '/bills/{id}', args).path).toBe('/api/bills/12345678901234567890?sum=98765432109876543210');
    expect(compose('POST', '/bills/{id}', args).body).toBe('{"sum":98765432109876543210}');
  });

  it.each<[JsonValue | undefined, RegExp]>([
    [undefined, /argument id is missing/],
    [{}, /argument id is missing/],
    [{ id: '' }, /argument id must not be empty/],
    [{ id: null }, /argument id must be a string/],
    [{ id: ['a'] }, /argument id must be a string/],
    [{ id: {} }, /argument id must be a string/],
    [{ id: '..' }, /argument id must not contain a dot segment/],
    [{ id: '.' }, /argument id must not contain a dot segment/],
    [{ id: 'a/../b' }, /argument id must not contain a dot segment/],
    [{ id: '..\\admin' }, /argument id must not contain a dot segment/],
    [{ id: 'a\ud800' }, /argument id is not well-formed Unicode/],
    [{ id: 'a', other: '\udc00' }, /argument other is not well-formed Unicode/],
    [null, /must be an object/],
    [['a'], /must be an object/],
    ['a', /must be an object/],
  ])('rejects the arguments %j', (args, message) => {
    expect(() => compose('GET', '/bills/{id}', args)).toThrow(message);
    expect(() => compose('GET', '/bills/{id}', args)).toThrow(ArgumentFault);
  });

  it('rejects a dot segment that an argument and the path template form together', () => {
    expect(() => compose('GET', '/{a}.{b}', { a: 'x', b: 'y' })).not.toThrow();
    expect(() => compose('GET', '/a/.{b}/c', { b: 'x' })).not.toThrow();
    expect(() => compose('GET', '/a/%2e{b}', { b: '.' })).toThrow(ArgumentFault);
  });

  it("does not read members of an object's prototype as arguments", () => {
    expect(() => compose('GET', '/{constructor}', {})).toThrow(/argument constructor is missing/);
  });

  it('never leaves the path of its tool, for any arguments', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<JsonValue>), fc.string(), (args, id) => {
        let made;
        try {
          made = compose('GET', '/bills/{id}/lines', { ...args, id });
        } catch (fault) {
          expect(fault).toBeInstanceOf(ArgumentFault);
          return;
        }
        const { pathname, hash, origin } = new URL(made.path, BASE);
        expect(pathname).toMatch(/^\/api\/bills\/[^/]+\/lines$/);
        expect({ hash, origin }).toEqual({ hash: '', origin: BASE.origin });
        expect(made.path).toMatch(/^[!-~]+$/);
      }),
    );
  });
});
