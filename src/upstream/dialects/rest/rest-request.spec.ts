import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseJson, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { RestTool } from '../../../registry/index.js';
import { ArgumentFault, composeRequest } from './rest-request.js';

const BASE = new URL('https://billing.example.com/api');

const tool = (method: RestTool['method'], path: string): RestTool => ({
  name: 'subject',
  method,
  path,
  inputSchema: { type: 'object' },
});

const compose = (method: RestTool['method'], path: string, args?: JsonValue, base = BASE) =>
  composeRequest(base, tool(method, path), args);

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
        headers: [],
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
        headers: ['x-tenant', 'a', 'x-who', 'user ada', 'x-fixed', 'yes'],
        body: '{"amount":1.5,"note":"by ada","lines":[[1,[2]]],"nested":{"deep":null},"kind":7}',
      });
      expect(mapped(more, { id: 1 })).toEqual({
        method: 'POST',
        path: '/api/bills/1?fixed=1',
        headers: ['x-fixed', 'yes'],
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
