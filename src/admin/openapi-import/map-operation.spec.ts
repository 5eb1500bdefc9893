import { describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { importOpenApi } from './import-openapi.js';

const json = (schema: JsonObject): JsonObject => ({ content: { 'application/json': { schema } } });
const ok = (schema: JsonObject): JsonObject => ({ 200: { description: '', ...json(schema) } });

const importAll = (document: JsonObject | string, url?: string) => importOpenApi(document, ['*'], url);

/** Imports one operation of `/a`. */
async function importOne(operation: JsonObject, more: JsonObject = {}, verb = 'post') {
  const document = { openapi: '3.0.3', paths: { '/a': { [verb]: { operationId: 'one', ...operation } } }, ...more };
  const { tools, skipped, ...rest } = await importAll(document, 'https://a.example.com');
  return { tool: (tools['one'] ?? {}) as JsonObject, skipped, ...rest };
}

const parametersOf = async (...parameters: JsonObject[]) => (await importOne({ parameters }, {}, 'get')).tool;

describe('parameters of an imported operation', () => {
  const text = { schema: { type: 'string' } };
  const list = { schema: { type: 'array' } };

  it('get names that models accept', async () => {
    const names = ['page[size]', '$filter', 'ids[]', 'DateCreated<', 'DateCreated', 'größe', 'x:y', '名前', '1st'];
    const { parameters, inputSchema } = await parametersOf(...names.map((name) => ({ in: 'query', name, ...text })));
    const entries = Object.entries(parameters as Record<string, { name?: string }>);
    expect(entries.map(([argument, { name = argument }]) => [argument, name])).toEqual([
      ['page_size', 'page[size]'],
      ['filter', '$filter'],
      ['ids', 'ids[]'],
      ['DateCreated_lt', 'DateCreated<'],
      ['DateCreated', 'DateCreated'],
      ['grosse', 'größe'],
      ['x_y', 'x:y'],
      ['query', '名前'],
      ['_1st', '1st'],
    ]);
    expect(inputSchema).toMatchObject({ properties: { page_size: { description: '(`page[size]` of the API)' } } });
  });

  it('named __proto__ are arguments like others', async () => {
    const document: JsonObject = JSON.parse(
      '{"openapi":"3.0.0","paths":{"/a":{"post":{"operationId":"one","requestBody":{"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/__proto__"}}},"multipart/form-data":{}}},"parameters":[{"in":"query","name":"__proto__","schema":{"type":"constructor"}}]}}},"components":{"schemas":{"__proto__":{"properties":{"__proto__":{"$ref":"#/components/schemas/__proto__"}}}}}}',
    );
    const { tools } = await importAll(document, 'https://a.example.com');
    expect(tools['one']).toMatchObject({
      parameters: { proto: { in: 'query', name: '__proto__' } },
      inputSchema: {
        properties: { proto: {}, body: { items: { $ref: '#/$defs/proto' } } },
        $defs: { proto: { properties: expect.anything() } },
      },
    });
  });

  it('stay apart when two places have the same name', async () => {
    const places = ['query', 'header', 'cookie'].map((place) => ({ in: place, name: 'id', ...text }));
    const document = {
      openapi: '3.0.0',
      paths: {
        '/a/{id}': { put: { operationId: 'one', parameters: places, requestBody: json({ properties: { id: {} } }) } },
      },
    };
    const { tools } = await importAll(document, 'https://a.example.com');
    expect(tools['one']).toMatchObject({
      path: '/a/{id}',
      inputSchema: {
        properties: { id: {}, id_query: {}, id_header: {}, id_cookie: {}, id_body: {} },
        required: ['id'],
      },
      parameters: {
        id_query: { in: 'query', name: 'id' },
        id_header: { in: 'header', name: 'id' },
        id_cookie: { in: 'cookie', name: 'id' },
        id_body: { in: 'body', name: 'id' },
      },
    });
  });

  it.each<[JsonObject, JsonObject]>([
    [{ in: 'query', ...list }, { in: 'query' }],
    [{ in: 'query', style: 'form', explode: true, ...list }, { in: 'query' }],
    [
      { in: 'query', explode: false, ...list },
      { in: 'query', explode: false },
    ],
    [
      { in: 'query', style: 'pipeDelimited', ...list },
      { in: 'query', style: 'pipeDelimited' },
    ],
    [
      { in: 'query', style: 'deepObject', explode: true },
      { in: 'query', style: 'deepObject', explode: true },
    ],
    [
      { in: 'query', allowReserved: true, ...text },
      { in: 'query', allowReserved: true },
    ],
    [
      { in: 'query', content: { 'application/json': { schema: {} } } },
      { in: 'query', style: 'json' },
    ],
    [
      { in: 'header', explode: true },
      { in: 'header', explode: true },
    ],
    [{ in: 'cookie' }, { in: 'cookie' }],
  ])('keep their style: %j', async (parameter, entry) => {
    expect((await parametersOf({ name: 'p', ...parameter }))['parameters']).toEqual({ p: entry });
  });

  it.each<[JsonObject, string]>([
    [
      { in: 'query', name: 'p', style: 'matrix' },
      'its parameter p has the style matrix, which a query parameter cannot have',
    ],
    [{ in: 'querystring', name: 'p' }, 'its parameter p is at an unknown place (querystring)'],
    [{ in: 'query' }, 'one of its parameters has no name'],
  ])('say why they cannot be arguments: %j', async (parameter, reason) => {
    expect((await importOne({ parameters: [parameter] })).skipped).toEqual([{ operation: 'POST /a', reason }]);
  });

  it('belong to paths with undeclared, styled and non-ASCII parts', async () => {
    const matrix = { name: 'wert[]', in: 'path', required: true, style: 'matrix', explode: true, ...list };
    const paths = { 'größe/{wert[]}/{id}.json?kind=a b#part': { get: { operationId: 'one', parameters: [matrix] } } };
    const { tools } = await importAll({ openapi: '3.0.0', paths }, 'https://a.example.com');
    expect(tools['one']).toMatchObject({
      path: '/gr%C3%B6%C3%9Fe/{wert}/{id}.json',
      query: { kind: 'a b' },
      parameters: { wert: { in: 'path', name: 'wert[]', style: 'matrix', explode: true } },
      inputSchema: { properties: { wert: { type: 'array' }, id: { type: 'string' } }, required: ['wert', 'id'] },
    });
  });
});

describe('bodies of an imported operation', () => {
  const body = async (content: JsonObject, more: JsonObject = {}, verb = 'post') =>
    importOne({ requestBody: { content, ...more } }, {}, verb);
  const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };

  it.each<[string, JsonValue, JsonObject]>([
    ['application/json', schema, {}],
    ['application/vnd.api+json', schema, { contentType: 'application/vnd.api+json' }],
    ['application/json; charset=utf-8', schema, { contentType: 'application/json; charset=utf-8' }],
    ['*/*', schema, {}],
    ['application/x-www-form-urlencoded', schema, { contentType: 'application/x-www-form-urlencoded' }],
    ['text/csv', { type: 'string' }, { contentType: 'text/csv', argument: 'body' }],
    ['application/xml', { type: 'string' }, { contentType: 'application/xml', argument: 'body' }],
    ['application/octet-stream', {}, { contentType: 'application/octet-stream', argument: 'body', base64: true }],
    ['image/*', {}, { contentType: 'application/octet-stream', argument: 'body', base64: true }],
    [
      '*/*',
      { type: 'string', format: 'binary' },
      { contentType: 'application/octet-stream', argument: 'body', base64: true },
    ],
  ])('keep their media type: %s with %j', async (type, given, requestBody) => {
    const { tool, skipped } = await body({ [type]: { schema: given } });
    expect([tool['requestBody'], skipped]).toEqual([requestBody, []]);
  });

  it('prefer JSON to other media types', async () => {
    const { tool } = await body({ 'application/xml': { schema }, 'application/json': { schema } });
    expect(tool['requestBody']).toEqual({});
  });

  it.each(['delete', 'get'])('are sent with %s', async (verb) => {
    expect((await body({ 'application/json': { schema } }, { required: true }, verb)).tool).toMatchObject({
      requestBody: { required: true },
      inputSchema: { required: ['a'] },
    });
  });

  it('require their members only together when they are optional', async () => {
    const both = { ...schema, properties: { a: {}, b: {} }, additionalProperties: { type: 'integer' } };
    const { tool } = await body({ 'application/json': { schema: both } });
    expect(tool['inputSchema']).toEqual({
      type: 'object',
      properties: { a: {}, b: {} },
      dependentRequired: { b: ['a'] },
      additionalProperties: { type: 'integer' },
    });
  });

  it('stay one argument when their schema says more than their members', async () => {
    for (const more of [{ oneOf: [{ required: ['b'] }] }, { minProperties: 1 }, { required: ['x'] }]) {
      const { tool } = await body({ 'application/json': { schema: { ...schema, ...more } } });
      expect(tool['requestBody']).toEqual({ argument: 'body' });
    }
  });

  it('become files and other fields of a multipart form', async () => {
    const properties = {
      file: { type: 'string', format: 'binary' },
      files: { type: 'array', items: { type: 'string', format: 'binary' } },
      'meta[data]': { type: 'object' },
    };
    const encoding = {
      'meta[data]': { contentType: 'application/json' },
      file: { contentType: 'image/png, image/jpeg' },
    };
    const { tool } = await body({ 'multipart/form-data': { schema: { type: 'object', properties }, encoding } });
    expect(tool).toMatchObject({
      parameters: { meta_data: { in: 'body', name: 'meta[data]' } },
      requestBody: {
        contentType: 'multipart/form-data',
        fields: {
          file: { file: true, contentType: 'image/png' },
          files: { file: true },
          'meta[data]': { contentType: 'application/json' },
        },
      },
      inputSchema: { properties: { files: { type: 'array', items: { anyOf: expect.any(Array) } } } },
    });
  });

  it.each([
    ['multipart/related', 'its body is multipart/related, which is not supported'],
    ['multipart/form-data', 'the fields of its multipart body are not listed'],
  ])('say why they are not imported: %s', async (type, reason) => {
    expect((await body({ [type]: {} })).skipped).toEqual([{ operation: 'POST /a', reason }]);
  });
});

describe('results of an imported operation', () => {
  const contentOf = async (...types: string[]) =>
    (
      await importOne({
        responses: {
          200: { content: Object.fromEntries(types.map((type) => [type, { schema: { type: 'object' } }])) },
        },
      })
    ).tool;

  it.each<[string[], string | undefined, boolean]>([
    [['application/json'], undefined, true],
    [['application/json', 'application/xml'], undefined, true],
    [['application/vnd.api+json'], 'application/vnd.api+json, */*;q=0.8', true],
    [['text/csv', 'application/pdf'], 'text/csv, application/pdf, */*;q=0.8', false],
    [['*/*'], undefined, false],
  ])('are requested as %j', async (types, accept, hasSchema) => {
    const tool = await contentOf(...types);
    expect([tool['accept'], tool['outputSchema'] !== undefined]).toEqual([accept, hasSchema]);
  });

  it('have no schema when there may be several, or none that is an object', async () => {
    const several = { ...ok({ type: 'object' }), 204: { description: '' } };
    for (const responses of [several, ok({ type: 'array' }), ok({ type: 'object', nullable: true })]) {
      expect((await importOne({ responses })).tool).not.toHaveProperty('outputSchema');
    }
  });
});
