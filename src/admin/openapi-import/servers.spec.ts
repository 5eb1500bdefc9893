import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { importOpenApi } from './import-openapi.js';

const imported = (document: JsonObject, url?: string) =>
  importOpenApi({ openapi: '3.0.3', paths: { '/a': { get: { operationId: 'one' } } }, ...document }, ['*'], url);

const HOST = 'https://api.example.com';

describe('the base URL of an imported API', () => {
  const variables = { region: { default: 'eu' }, version: { enum: ['v2', 'v3'] } };

  it.each<[JsonObject, string | undefined, string | undefined]>([
    [{ servers: [{ url: `${HOST}/v1` }] }, undefined, `${HOST}/v1`],
    [{ servers: [{ url: `${HOST}/v1` }] }, 'http://127.0.0.1:1', 'http://127.0.0.1:1'],
    [
      { servers: [{ url: 'https://{region}.example.com/{version}', variables }] },
      undefined,
      'https://eu.example.com/v2',
    ],
    [{ servers: [{ url: 'https://{unknown}.example.com' }, { url: HOST }] }, undefined, HOST],
    [{ servers: [{ url: '/v1' }, { url: `${HOST}/v1` }] }, undefined, `${HOST}/v1`],
    [{ servers: [{ url: '/v1' }] }, undefined, undefined],
    [{ servers: [{ url: '/v1' }] }, HOST, `${HOST}/v1`],
    [{ servers: [{ url: 'v1/' }] }, `${HOST}/?key=1`, `${HOST}/v1/?key=1`],
    [{ servers: [{ url: '/v1' }] }, `${HOST}/gateway`, `${HOST}/gateway`],
    [{}, HOST, HOST],
    [
      { swagger: '2.0', openapi: null, host: 'api.example.com', basePath: '/v1', schemes: ['http', 'https'] },
      undefined,
      `${HOST}/v1`,
    ],
    [{ swagger: '2.0', openapi: null, host: 'api.example.com' }, undefined, `${HOST}/`],
    [{ swagger: '2.0', openapi: null, basePath: '/v1' }, HOST, `${HOST}/v1`],
  ])('of %j and %j is %j', async (document, url, expected) => {
    expect((await imported(document, url)).url).toBe(expected);
  });

  const urlOf = async (servers: JsonObject[], inPath: boolean, url?: string) => {
    const operation = { operationId: 'one', ...(!inPath && { servers }) };
    const path = { get: operation, ...(inPath && { servers }) };
    const { tools } = await imported({ servers: [{ url: `${HOST}/v1` }], paths: { '/a': path } }, url);
    return (tools['one'] as JsonObject)['url'];
  };

  it.each<[string, string | undefined, string | undefined]>([
    ['https://uploads.example.com/v1', undefined, 'https://uploads.example.com/v1'],
    ['https://uploads.example.com/v1', 'http://127.0.0.1:1', 'https://uploads.example.com/v1'],
    ['https://user:password@uploads.example.com?key=1#x', undefined, 'https://uploads.example.com'],
    [`${HOST}/v1`, undefined, undefined],
    [`${HOST}/v2`, undefined, `${HOST}/v2`],
    [`${HOST}/v2`, 'http://127.0.0.1:1', 'http://127.0.0.1:1/v2'],
    ['/v2', undefined, `${HOST}/v2`],
    ['ftp://example.com', undefined, undefined],
  ])('does not hold for an operation or path with the server %s and the URL %s: %s', async (server, url, expected) => {
    for (const inPath of [true, false]) expect(await urlOf([{ url: server }], inPath, url)).toBe(expected);
  });
});

describe('the security schemes of an imported API', () => {
  const schemes = {
    key: { type: 'apiKey', in: 'query', name: 'api_key' },
    head: { type: 'apiKey', in: 'header', name: 'X-Key' },
    token: { type: 'http', scheme: 'bearer' },
    user: { type: 'http', scheme: 'basic' },
    oauth: { type: 'oauth2', flows: { clientCredentials: {} } },
    unused: { type: 'http', scheme: 'bearer' },
  };

  it('are named with what is to be configured, and are no arguments', async () => {
    const parameters = [
      { in: 'query', name: 'api_key', required: true },
      { in: 'header', name: 'x-key' },
    ];
    const security = ['key', 'head', 'token', 'user', 'oauth'].map((name) => ({ [name]: [] }));
    const paths = { '/a': { get: { operationId: 'one', parameters, security } } };
    const {
      tools,
      skipped,
      security: found,
    } = await imported({ paths, components: { securitySchemes: schemes } }, HOST);
    expect(found).toEqual([
      {
        name: 'key',
        type: 'apiKey',
        in: 'query',
        parameter: 'api_key',
        configure: 'Add ?api_key=<key> to url of the entry.',
      },
      {
        name: 'head',
        type: 'apiKey',
        in: 'header',
        parameter: 'X-Key',
        configure: 'Add "X-Key: <key>" to headers of the entry.',
      },
      { name: 'token', type: 'http', configure: 'Add "Authorization: Bearer <token>" to headers of the entry.' },
      {
        name: 'user',
        type: 'http',
        configure: 'Add "Authorization: Basic <user:password in base64>" to headers of the entry.',
      },
      {
        name: 'oauth',
        type: 'oauth2',
        configure:
          'Obtain a token (clientCredentials) and add "Authorization: Bearer <token>" to headers of the entry.',
      },
    ]);
    expect(tools['one']).toMatchObject({ inputSchema: { properties: {} } });
    expect(skipped.map(({ part }) => part)).toEqual(['query api_key', 'header x-key']);
  });

  it('are those of the document unless an operation has its own', async () => {
    const paths = { '/a': { get: { security: [] }, post: {} } };
    const given = { paths, security: [{ token: [] }], components: { securitySchemes: schemes } };
    expect((await imported(given, HOST)).security.map(({ name }) => name)).toEqual(['token']);
  });
});

describe('an operation of Swagger 2.0', () => {
  const swagger = async (operation: JsonObject, more: JsonObject = {}) => {
    const document = {
      swagger: '2.0',
      host: 'h',
      paths: { '/a': { post: { operationId: 'one', ...operation } } },
      ...more,
    };
    return importOpenApi(document, ['*']);
  };

  it('has parameters with the styles of their collection formats', async () => {
    const list = (name: string, collectionFormat?: string): JsonObject => ({
      name,
      in: 'query',
      type: 'array',
      items: { type: 'string' },
      ...(collectionFormat !== undefined && { collectionFormat }),
    });
    const parameters = [
      list('a'),
      list('b', 'multi'),
      list('c', 'ssv'),
      list('d', 'pipes'),
      list('e', 'tsv'),
      list('f', 'csv'),
    ];
    const { tools } = await swagger({ parameters });
    expect((tools['one'] as JsonObject)['parameters']).toEqual({
      a: { in: 'query', explode: false },
      b: { in: 'query' },
      c: { in: 'query', style: 'spaceDelimited' },
      d: { in: 'query', style: 'pipeDelimited' },
      e: { in: 'query', style: 'tabDelimited' },
      f: { in: 'query', explode: false },
    });
  });

  it('has a body, whose references lead to definitions and shared parameters', async () => {
    const more = {
      parameters: { Item: { name: 'item', in: 'body', required: true, schema: { $ref: '#/definitions/Item' } } },
      definitions: { Item: { type: 'object', properties: { a: { type: 'string', 'x-nullable': true } } } },
    };
    const { tools } = await swagger(
      { parameters: [{ $ref: '#/parameters/Item' }], consumes: ['application/hal+json'] },
      more,
    );
    expect(tools['one']).toMatchObject({
      inputSchema: { properties: { a: { type: ['string', 'null'] } } },
      requestBody: { contentType: 'application/hal+json', required: true },
    });
  });

  it('has forms, of which each shared field counts', async () => {
    const more = {
      consumes: ['multipart/form-data', 'application/x-www-form-urlencoded'],
      parameters: {
        a: { name: 'a', in: 'formData', type: 'string', required: true },
        b: { name: 'b', in: 'formData', type: 'array', items: {}, collectionFormat: 'multi' },
      },
    };
    const shared = [{ $ref: '#/parameters/a' }, { $ref: '#/parameters/b' }];
    expect((await swagger({ parameters: shared }, more)).tools['one']).toMatchObject({
      inputSchema: { properties: { a: {}, b: {} }, required: ['a'] },
      requestBody: {
        contentType: 'application/x-www-form-urlencoded',
        fields: { b: { style: 'form', explode: true } },
      },
    });
    const file = { name: 'file', in: 'formData', type: 'file' };
    expect((await swagger({ parameters: [...shared, file] }, more)).tools['one']).toMatchObject({
      requestBody: { contentType: 'multipart/form-data', fields: { file: { file: true } } },
    });
  });

  it('has results of the media types that it produces', async () => {
    const responses = { 200: { schema: { type: 'object', properties: { a: {} } } } };
    expect((await swagger({ responses })).tools['one']).toMatchObject({ outputSchema: { properties: { a: {} } } });
    expect((await swagger({ responses, produces: ['text/csv'] })).tools['one']).toMatchObject({
      accept: 'text/csv, */*;q=0.8',
    });
  });
});
