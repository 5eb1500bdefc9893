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

describe('the tools of an OpenAPI document', () => {
  it('are its operations, with their parameters where they belong', () => {
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
        // What refers to itself is left open.
        properties: { name: { type: 'string' }, parent: {}, 'a/b': { type: 'string' } },
        required: ['name'],
      },
    });
  });

  it('have the members of an object as arguments, and any other body as one', () => {
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

  it('have names of their own, made of what the document calls them', () => {
    expect(Object.keys(all.tools)).toEqual(['getPet', 'PUT_pets_id', 'list_pets', 'list_pets_2']);
  });

  it('are not made of what cannot be one, and that is told', () => {
    expect(all.skipped).toEqual([
      { operation: 'POST /upload', reason: 'its body is not JSON' },
      { operation: 'GET /broken', reason: expect.stringMatching(/parameter \?/) },
      { operation: 'GET /elsewhere', reason: 'it refers to another document (http://x/y.json)' },
    ]);
  });

  it('are at the address that the document names', () => {
    expect(all).toMatchObject({ url: 'https://pets.example.com/v1', title: 'Pets' });
  });

  it.each([
    [['getPet'], ['getPet']],
    [['GET /pets*'], ['getPet', 'list_pets']],
    [['nothing'], []],
  ])('are picked by id or by verb and path: %j', (picked, names) => {
    expect(Object.keys(importOpenApi(PETS, picked).tools)).toEqual(names);
  });

  it.each<[JsonObject]>([[{}], [{ swagger: '2.0' }], [{ openapi: '2.0.0' }], [{ openapi: 3 }]])(
    'are not made of %j',
    (document) => {
      expect(() => importOpenApi(document, ['*'])).toThrow(NotOpenApi);
    },
  );

  it('are bounded, however its references multiply', () => {
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
      { operation: 'GET /', reason: 'it is too large once its references are written out' },
    ]);
    const circle: JsonObject = { ...bomb, components: { schemas: { L0: ref('schemas/L1'), L1: ref('schemas/L0') } } };
    expect(importOpenApi(circle, ['*']).tools).toMatchObject({ GET: { inputSchema: { properties: { a: {} } } } });
  });

  it('take nothing from prototypes', () => {
    const document: JsonObject = JSON.parse(
      '{"openapi":"3.0.0","paths":{"/a":{"get":{"operationId":"__proto__","parameters":[{"name":"constructor","in":"query","schema":{"$ref":"#/constructor"}}]}}}}',
    );
    expect(importOpenApi(document, ['*']).skipped).toEqual([
      { operation: 'GET /a', reason: '#/constructor is not there' },
    ]);
  });
});
