import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { importOpenApi, NotOpenApi } from './import-openapi.js';

const json = (schema: JsonObject): JsonObject => ({ content: { 'application/json': { schema } } });
const ref = (name: string): JsonObject => ({ $ref: `#/components/${name}` });

const PETS: JsonObject = {
  openapi: '3.1.0',
  info: { title: 'Pets', version: '1' },
  servers: [{ url: 'https://pets.example.com/v1' }],
  paths: {
    '/pets/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' }, description: 'Its number.' }],
      get: {
        operationId: 'getPet',
        summary: 'Shows a pet',
        description: 'All that is known of it.',
        parameters: [
          { name: 'fields', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
          { name: 'X-Tenant', in: 'header', required: true, schema: { type: 'string' } },
          { name: 'Authorization', in: 'header', schema: { type: 'string' } },
          { name: 'session', in: 'cookie', schema: { type: 'string' } },
        ],
        responses: { 200: { description: '', ...json(ref('schemas/Pet')) }, 404: { description: '' } },
      },
      put: { requestBody: ref('requestBodies/Pet'), responses: {} },
    },
    '/pets': {
      get: { operationId: 'list pets!', responses: { 200: { description: '', ...json({ type: 'array' }) } } },
      post: {
        operationId: 'list_pets',
        requestBody: { required: true, ...json({ type: 'array', items: ref('schemas/Pet') }) },
        responses: {},
      },
    },
    '/upload': {
      post: { operationId: 'upload', requestBody: { content: { 'multipart/form-data': {} } }, responses: {} },
    },
    '/broken': { get: { operationId: 'broken', parameters: [ref('parameters/Nobody')], responses: {} } },
    '/elsewhere': {
      get: {
        operationId: 'elsewhere',
        parameters: [{ name: 'a', in: 'query', schema: { $ref: 'http://x/y.json' } }],
        responses: {},
      },
    },
  },
  components: {
    schemas: {
      Pet: {
        type: 'object',
        properties: { name: { type: 'string' }, parent: ref('schemas/Pet'), 'a/b': { type: 'string' } },
        required: ['name'],
      },
      Name: { type: 'object', properties: { name: { type: 'string' }, tag: { type: 'string' } }, required: ['name'] },
    },
    requestBodies: { Pet: { required: true, ...json(ref('schemas/Name')) } },
  },
};

const all = importOpenApi(PETS, ['*']);
const toolOf = (name: string) => all.tools[name] as JsonObject;

describe('importOpenApi', () => {
  it('maps the parameters of an operation to the path, query and headers of a tool', () => {
    expect(toolOf('getPet')).toEqual({
      title: 'Shows a pet',
      description: 'All that is known of it.',
      method: 'GET',
      path: '/pets/{id}',
      inputSchema: {
        type: 'object',
        properties: {
          id: { description: 'Its number.', type: 'integer' },
          fields: { type: 'array', items: { type: 'string' } },
          'X-Tenant': { type: 'string' },
        },
        required: ['id', 'X-Tenant'],
      },
      query: { fields: '{fields}' },
      headers: { 'X-Tenant': '{X-Tenant}' },
      outputSchema: {
        type: 'object',
        // A recursive reference becomes an empty schema.
        properties: { name: { type: 'string' }, parent: {}, 'a/b': { type: 'string' } },
        required: ['name'],
      },
    });
  });

  it('maps the members of an object body to arguments, and any other body to one argument', () => {
    expect(toolOf('PUT_pets_id')).toMatchObject({
      inputSchema: {
        properties: { id: expect.anything(), name: { type: 'string' }, tag: { type: 'string' } },
        required: ['id', 'name'],
      },
      body: { name: '{name}', tag: '{tag}' },
    });
    expect(toolOf('list_pets_2')).toMatchObject({
      inputSchema: { properties: { body: { type: 'array' } }, required: ['body'] },
      body: '{body}',
    });
  });

  it('derives unique tool names from operation ids and paths', () => {
    expect(Object.keys(all.tools)).toEqual(['getPet', 'PUT_pets_id', 'list_pets', 'list_pets_2']);
  });

  it('skips operations that cannot become tools and reports the reasons', () => {
    expect(all.skipped).toEqual([
      { operation: 'POST /upload', reason: 'its body is not JSON' },
      { operation: 'GET /broken', reason: expect.stringMatching(/parameter \?/) },
      { operation: 'GET /elsewhere', reason: 'it references another document (http://x/y.json)' },
    ]);
  });

  it('returns the server URL and the title of the document', () => {
    expect(all).toMatchObject({ url: 'https://pets.example.com/v1', title: 'Pets' });
  });

  it.each([
    [['getPet'], ['getPet']],
    [['GET /pets*'], ['getPet', 'list_pets']],
    [['nothing'], []],
  ])('selects operations by id or by verb and path: %j', (selected, names) => {
    expect(Object.keys(importOpenApi(PETS, selected).tools)).toEqual(names);
  });

  it.each<[JsonObject]>([[{}], [{ swagger: '2.0' }], [{ openapi: '2.0.0' }], [{ openapi: 3 }]])(
    'rejects %j, which is not an OpenAPI 3 document',
    (document) => {
      expect(() => importOpenApi(document, ['*'])).toThrow(NotOpenApi);
    },
  );

  it('bounds schemas whose references multiply or are recursive', () => {
    const schemas = Object.fromEntries(
      Array.from({ length: 20 }, (_, level) => [
        `L${level}`,
        { type: 'object', properties: { a: ref(`schemas/L${level + 1}`), b: ref(`schemas/L${level + 1}`) } },
      ]),
    );
    const bomb: JsonObject = {
      openapi: '3.0.0',
      paths: { '/': { get: { parameters: [{ name: 'a', in: 'query', schema: ref('schemas/L0') }] } } },
      components: { schemas: { ...schemas, L20: {} } },
    };
    expect(importOpenApi(bomb, ['*']).skipped).toEqual([
      { operation: 'GET /', reason: 'it is too large once its references are resolved' },
    ]);
    const circle: JsonObject = { ...bomb, components: { schemas: { L0: ref('schemas/L1'), L1: ref('schemas/L0') } } };
    expect(importOpenApi(circle, ['*']).tools).toMatchObject({ GET: { inputSchema: { properties: { a: {} } } } });
  });

  it('does not resolve references to members of prototypes', () => {
    const document: JsonObject = JSON.parse(
      '{"openapi":"3.0.0","paths":{"/a":{"get":{"operationId":"__proto__","parameters":[{"name":"constructor","in":"query","schema":{"$ref":"#/constructor"}}]}}}}',
    );
    expect(importOpenApi(document, ['*']).skipped).toEqual([
      { operation: 'GET /a', reason: '#/constructor does not exist' },
    ]);
  });
});
