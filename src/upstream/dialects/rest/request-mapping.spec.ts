import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import type { RestTool } from '../../../registry/index.js';
import { composeRequest, type RestRequest } from './rest-request.js';

const BASE = new URL('https://billing.example.com/api');

const compose = (
  more: Partial<RestTool>,
  args: JsonObject,
  base = BASE,
  headers: Record<string, string> = {},
): RestRequest => {
  const properties = Object.fromEntries(Object.keys(args).map((name) => [name, {}]));
  const tool: RestTool = {
    name: 'subject',
    method: 'GET',
    path: '/bills',
    inputSchema: { type: 'object', properties },
    ...more,
  };
  return composeRequest(base, tool, args, new Map(Object.entries(headers)));
};

const headersOf = ({ headers }: RestRequest): Record<string, string> =>
  Object.fromEntries(headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1] ?? '']] : [])));

describe('parameters of a tool', () => {
  it('sends each argument at its place and under the name of the API', () => {
    const request = compose(
      {
        path: '/bills/{id}',
        parameters: {
          id: { in: 'path', style: 'label' },
          page_size: { in: 'query', name: 'page[size]' },
          id_query: { in: 'query', name: 'id' },
          tenant: { in: 'header', name: 'X-Tenant' },
          session: { in: 'cookie' },
          tags: { in: 'cookie', name: 'tag' },
        },
      },
      { id: [1, 2], page_size: 5, id_query: 'x', tenant: ['a', 'b'], session: 'a b', tags: [1, 2] },
    );
    expect(request.path).toBe('/api/bills/.1,2?page%5Bsize%5D=5&id=x');
    expect(headersOf(request)).toEqual({ 'x-tenant': 'a,b', cookie: 'session=a%20b; tag=1; tag=2' });
  });

  it('omits absent arguments and null', () => {
    const parameters: RestTool['parameters'] = { a: { in: 'query' }, b: { in: 'header' }, c: { in: 'cookie' } };
    expect(compose({ parameters }, { a: null, b: null })).toMatchObject({ path: '/api/bills', headers: [] });
  });

  it('keeps the cookies and headers of the operator', () => {
    const parameters: RestTool['parameters'] = { session: { in: 'cookie' }, key: { in: 'header', name: 'X-Key' } };
    const own = { cookie: 'own=1', 'x-key': 'secret' };
    expect(headersOf(compose({ parameters }, { session: 'x' }, BASE, own))).toEqual({ cookie: 'own=1; session=x' });
    expect(() => compose({ parameters }, { key: 'x' }, BASE, own)).toThrow('The argument key must be omitted');
    expect(() => compose({ parameters }, { session: 'x' }, BASE, { cookie: 'session=1' })).toThrow('must be omitted');
    const fixed = { parameters: { prefs: { in: 'cookie' } }, headers: { Cookie: 'tenant=acme' } } as const;
    expect(() => compose(fixed, { prefs: { tenant: 'evil' } })).toThrow('must be omitted');
  });

  it('never sends a name that the operator has set, not even as a member of an object', () => {
    const base = new URL('https://billing.example.com/api?api_key=secret');
    const parameters: RestTool['parameters'] = { filter: { in: 'query' }, key: { in: 'query', name: 'api_key' } };
    expect(() => compose({ parameters }, { key: 'x' }, base)).toThrow('The argument key must be omitted');
    for (const name of ['api_key', 'API_KEY', 'api_key[]', ' api_key']) {
      expect(() => compose({ parameters }, { filter: { [name]: 'x' } }, base)).toThrow('must be omitted');
    }
    expect(compose({ parameters }, { filter: { open: true } }, base).path).toBe('/api/bills?api_key=secret&open=true');
  });

  it.each(['..', 'a/../b', ''])('rejects %j in a styled part of a path', (value) => {
    const parameters: RestTool['parameters'] = { id: { in: 'path' } };
    const send = (id: JsonValue) => () => compose({ path: '/bills/{id}', parameters }, { id });
    expect(send(value)).toThrow(/The argument id must not/);
    expect(send([value])).toThrow(/The argument id must not/);
    expect(send({ a: value || '..' })).toThrow(/The argument id must not/);
  });

  it('rejects a list in the path without a style, and text that is not Unicode', () => {
    expect(() => compose({ path: '/bills/{id}' }, { id: ['a'] })).toThrow('must be a string');
    const parameters: RestTool['parameters'] = { a: { in: 'query' } };
    expect(() => compose({ parameters }, { a: ['\ud800'] })).toThrow('is not well-formed Unicode');
    expect(compose({ parameters }, { a: ['\\ud800'] }).path).toBe('/api/bills?a=%5Cud800');
  });
});

describe('the body of a tool', () => {
  const post = (requestBody: RestTool['requestBody'], args: JsonObject, more: Partial<RestTool> = {}) =>
    compose({ method: 'POST', ...(requestBody && { requestBody }), ...more }, args);

  it('contains all arguments without another place, under the names of the API', () => {
    const parameters: RestTool['parameters'] = { id_body: { in: 'body', name: 'id' }, page: { in: 'query' } };
    const request = post(
      { contentType: 'application/merge-patch+json' },
      { id_body: 7, page: 2, sum: 1 },
      { parameters },
    );
    expect(request).toMatchObject({ path: '/api/bills?page=2', body: '{"sum":1,"id":7}' });
    expect(headersOf(request)).toEqual({ 'content-type': 'application/merge-patch+json' });
  });

  it.each<[RestTool['requestBody'], string | null]>([
    [{}, null],
    [{ required: true }, '{}'],
    [{ argument: 'body' }, null],
  ])('is sent without arguments only if it is required: %j', (requestBody, body) => {
    const request = post(requestBody, {});
    expect(request.body).toBe(body);
    expect(request.headers).toHaveLength(body === null ? 0 : 2);
  });

  it.each<[RestTool['requestBody'], JsonObject, string | Buffer, string]>([
    [{ argument: 'body' }, { body: [1, null] }, '[1,null]', 'application/json'],
    [{ argument: 'body', contentType: 'text/plain' }, { body: 'a "b"' }, 'a "b"', 'text/plain'],
    [
      { argument: 'body', contentType: 'application/pdf', base64: true },
      { body: 'AP8=' },
      Buffer.from([0, 255]),
      'application/pdf',
    ],
    [
      { argument: 'body', contentType: 'text/markdown; charset=utf-8' },
      { body: '# ü' },
      '# ü',
      'text/markdown; charset=utf-8',
    ],
  ])('is one argument with %j', (requestBody, args, body, type) => {
    const request = post(requestBody, args);
    expect(request.body).toEqual(body);
    expect(headersOf(request)).toEqual({ 'content-type': type });
  });

  it('rejects bytes that are not base64', () => {
    for (const body of ['a', 'a b=', '*', 7, { data: 'x' }]) {
      expect(() => post({ argument: 'body', base64: true }, { body })).toThrow(
        'The argument body must contain base64.',
      );
    }
  });

  it.each(['DELETE', 'GET'] as const)('is sent with %s if the tool describes it', (method) => {
    expect(compose({ method, requestBody: {} }, { ids: [1] })).toMatchObject({
      path: '/api/bills',
      body: '{"ids":[1]}',
    });
  });

  it('is a form whose lists and objects have their styles', () => {
    const request = post(
      {
        contentType: 'application/x-www-form-urlencoded',
        fields: { meta: { style: 'deepObject', explode: true }, csv: { style: 'form', explode: false } },
      },
      { name: 'a b&c', list: [1, 2], meta: { a: { b: 'ü' } }, csv: [1, 2], object: { a: 1 }, none: null },
    );
    expect([...new URLSearchParams(String(request.body))]).toEqual([
      ['name', 'a b&c'],
      ['list', '1'],
      ['list', '2'],
      ['meta[a][b]', 'ü'],
      ['csv', '1,2'],
      ['object', '{"a":1}'],
    ]);
  });

  it('is a multipart form that an independent parser reads', async () => {
    const { body, ...request } = post(
      {
        contentType: 'multipart/form-data',
        fields: { file: { file: true }, files: { file: true, contentType: 'image/png' } },
      },
      {
        'na"me': 'ü',
        count: 7,
        list: ['a', 'b'],
        object: { a: [1] },
        file: { data: 'aGVsbG8=', filename: 'a"b.txt', mimeType: 'text/plain' },
        files: ['AP8=', 'AA=='],
      },
    );
    const form = await new Response(new Uint8Array(body as Buffer), {
      headers: { 'content-type': headersOf(request as RestRequest)['content-type'] ?? '' },
    }).formData();
    expect([form.get('na"me'), form.get('count'), form.getAll('list')]).toEqual(['ü', '7', ['a', 'b']]);
    const file = form.get('file') as File;
    expect([file.name, file.type, await file.text()]).toEqual(['a"b.txt', 'text/plain', 'hello']);
    expect((form.getAll('files') as File[]).map(({ type, size }) => [type, size])).toEqual([
      ['image/png', 2],
      ['image/png', 1],
    ]);
    expect(String(body)).toContain('name="object"\r\nContent-Type: application/json\r\n\r\n{"a":[1]}');
  });

  it('rejects a line break in a media type of the caller', () => {
    const file = { data: '', mimeType: 'text/plain\r\nX: 1' };
    const { body } = post({ contentType: 'multipart/form-data', fields: { file: { file: true } } }, { file });
    expect(String(body)).toContain('Content-Type: application/octet-stream\r\n');
  });
});
