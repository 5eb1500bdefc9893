import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { importOpenApi } from './import-openapi.js';
import { UnreadableDocument } from './read-document.js';

const json = (schema: JsonObject): JsonObject => ({ content: { 'application/json': { schema } } });
const ref = (name: string): JsonObject => ({ $ref: `#/components/${name}` });
const ok = (schema: JsonObject): JsonObject => ({ 200: { description: '', ...json(schema) } });

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
        ],
        responses: { ...ok(ref('schemas/Pet')), 404: { description: '' } },
      },
      put: { requestBody: ref('requestBodies/Pet'), responses: {} },
    },
    '/pets': {
      get: { operationId: 'list pets!', responses: ok({ type: 'array' }) },
      post: {
        operationId: 'list_pets',
        requestBody: { required: true, ...json({ type: 'array', items: ref('schemas/Name') }) },
        responses: {},
      },
      options: { responses: {} },
    },
    '/broken': { get: { operationId: 'broken', parameters: [ref('parameters/Nobody')], responses: {} } },
    '/elsewhere': {
      get: { operationId: 'elsewhere', parameters: [{ name: 'a', in: 'query', schema: { $ref: 'http://x/y.json' } }] },
    },
    '/events': { get: { responses: { 200: { content: { 'text/event-stream': {} } } } } },
  },
  components: {
    schemas: {
      Pet: {
        type: 'object',
        properties: { name: { type: 'string' }, parent: ref('schemas/Pet') },
        required: ['name'],
      },
      Name: { type: 'object', properties: { name: { type: 'string' }, tag: { type: 'string' } }, required: ['name'] },
    },
    requestBodies: { Pet: { required: true, ...json(ref('schemas/Name')) } },
  },
};

const importAll = (document: JsonObject | string, url?: string) => importOpenApi(document, ['*'], url);

/** Imports one operation of `/a`. */
async function importOne(operation: JsonObject, more: JsonObject = {}, verb = 'post') {
  const document = { openapi: '3.0.3', paths: { '/a': { [verb]: { operationId: 'one', ...operation } } }, ...more };
  const { tools, skipped, ...rest } = await importAll(document, 'https://a.example.com');
  return { tool: (tools['one'] ?? {}) as JsonObject, skipped, ...rest };
}

describe('importOpenApi', () => {
  it('maps the parameters of an operation to the path, query and headers of a tool', async () => {
    const { tools } = await importAll(PETS);
    expect(tools['getPet']).toEqual({
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
      parameters: { fields: { in: 'query' }, 'X-Tenant': { in: 'header' } },
      outputSchema: {
        type: 'object',
        properties: { name: { type: 'string' }, parent: { $ref: '#/$defs/Pet' } },
        required: ['name'],
        $defs: {
          Pet: {
            type: 'object',
            properties: { name: { type: 'string' }, parent: { $ref: '#/$defs/Pet' } },
            required: ['name'],
          },
        },
      },
    });
  });

  it('maps the members of an object body to arguments, and any other body to one argument', async () => {
    const { tools } = await importAll(PETS);
    expect(tools['PUT_pets_id']).toMatchObject({
      inputSchema: {
        properties: { id: expect.anything(), name: { type: 'string' }, tag: { type: 'string' } },
        required: ['id', 'name'],
      },
      requestBody: { required: true },
    });
    expect(tools['list_pets_2']).toMatchObject({
      inputSchema: { properties: { body: { type: 'array' } }, required: ['body'] },
      requestBody: { argument: 'body' },
    });
  });

  it('derives unique tool names from operation ids and paths', async () => {
    const { tools } = await importAll(PETS);
    expect(Object.keys(tools)).toEqual(['getPet', 'PUT_pets_id', 'list_pets', 'list_pets_2']);
  });

  it('says why operations, and parts of operations, are not imported', async () => {
    const { skipped } = await importAll({ ...PETS, webhooks: { changed: { post: {} } } });
    expect(skipped).toEqual([
      {
        operation: 'GET /pets/{id}',
        part: 'header Authorization',
        reason: 'it is a credential: configure it in headers of the entry',
      },
      { operation: 'OPTIONS /pets', reason: 'a tool cannot have this method' },
      { operation: 'GET /broken', reason: '#/components/parameters/Nobody does not exist' },
      { operation: 'GET /elsewhere', reason: 'it references another document (http://x/y.json)' },
      { operation: 'GET /events', reason: 'its response is an event stream' },
      { operation: 'webhook changed', reason: 'the API sends it to its clients' },
    ]);
  });

  it('returns the server URL and the title of the document', async () => {
    expect(await importAll(PETS)).toMatchObject({ url: 'https://pets.example.com/v1', title: 'Pets' });
  });

  it.each([
    [['getPet'], ['getPet']],
    [['GET /pets*'], ['getPet', 'list_pets']],
    [['nothing'], []],
  ])('selects operations by id or by verb and path: %j', async (selected, names) => {
    const { tools, skipped } = await importOpenApi(PETS, selected);
    expect(Object.keys(tools)).toEqual(names);
    expect(skipped.filter(({ part }) => part === undefined)).toEqual([]);
  });

  it.each<[JsonObject | string]>([
    [{}],
    [{ swagger: '1.2' }],
    [{ openapi: '2.0.0' }],
    [{ openapi: 3 }],
    ['text'],
    ['a: [b'],
    ['{"openapi": "3.0.0", '],
    ['openapi: 3.0.0\na: &a [*a]'],
  ])('rejects %j, which is not an OpenAPI document', async (document) => {
    await expect(importAll(document)).rejects.toThrow(UnreadableDocument);
  });

  it('reads a document in YAML like the same one in JSON', async () => {
    const yaml = `
openapi: 3.0.3
paths:
  /a:
    get: &get
      operationId: a
      parameters: [{ name: since, in: query, schema: { type: string, default: 2020-01-01, enum: [yes, 1.10] } }]
      responses:
        200: { description: '' }
    post: { <<: *get, operationId: b }
`;
    const { tools } = await importAll(yaml, 'https://a.example.com');
    expect(tools).toMatchObject({
      a: { inputSchema: { properties: { since: { default: '2020-01-01', enum: ['yes', 1.1] } } } },
      b: { method: 'POST', requestBody: {} },
    });
  });

  it('does not resolve references to members of prototypes', async () => {
    const document: JsonObject = JSON.parse(
      '{"openapi":"3.0.0","paths":{"/a":{"get":{"operationId":"__proto__","parameters":[{"name":"constructor","in":"query","schema":{"$ref":"#/constructor"}}]}}}}',
    );
    expect((await importAll(document)).skipped).toEqual([
      { operation: 'GET /a', reason: '#/constructor does not exist' },
    ]);
  });
});

describe('limits of an import', () => {
  it('count per operation: 900 operations of one schema are imported whole', async () => {
    const properties = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`p${index}`, { type: 'string' }]));
    const paths = Object.fromEntries(
      Array.from({ length: 900 }, (_, index) => [
        `/a${index}`,
        { post: { requestBody: json(ref('schemas/Big')), responses: ok(ref('schemas/Big')) } },
      ]),
    );
    const document = { openapi: '3.0.0', paths, components: { schemas: { Big: { type: 'object', properties } } } };
    const { tools, skipped } = await importAll(document, 'https://a.example.com');
    expect([Object.keys(tools).length, skipped]).toEqual([900, []]);
    const last = tools['POST_a899'] as { inputSchema: JsonObject; outputSchema: JsonObject };
    expect([last.inputSchema['properties'], last.outputSchema['properties']]).toEqual([properties, properties]);
  });

  it('write references that multiply as definitions', async () => {
    const levels = Array.from({ length: 20 }, (_, level): [string, JsonObject] => {
      const next = ref(`schemas/L${level + 1}`);
      return [`L${level}`, { type: 'object', properties: { a: next, b: next } }];
    });
    const schemas = { ...Object.fromEntries(levels), L20: { type: 'integer' } };
    const { tool, skipped } = await importOne(
      { requestBody: json({ type: 'array', items: ref('schemas/L0') }) },
      { components: { schemas } },
    );
    expect(skipped).toEqual([]);
    expect(tool).toMatchObject({
      inputSchema: {
        properties: { body: { items: { $ref: '#/$defs/L0' } } },
        $defs: { L19: { properties: { a: { $ref: '#/$defs/L20' } } }, L20: { type: 'integer' } },
      },
    });
  });

  it('describe only the upper levels of a schema that is too large, and say so', async () => {
    const wide = (level: number): JsonObject => ({
      type: 'object',
      properties: Object.fromEntries(
        Array.from({ length: 12 }, (_, index) => [
          `member_${index}`,
          level === 0 ? { type: 'string' } : wide(level - 1),
        ]),
      ),
    });
    const { tool, skipped } = await importOne({ requestBody: json(wide(3)) });
    expect(skipped).toEqual([
      {
        operation: 'POST /a',
        part: 'inputSchema',
        reason: expect.stringMatching(/more than \d levels deep are not described/),
      },
    ]);
    expect(tool).toMatchObject({ inputSchema: { properties: { member_11: { type: 'object' } } } });
  });

  it('end with a reason when a server could not hold all tools', async () => {
    const paths = Object.fromEntries(Array.from({ length: 2_001 }, (_, index) => [`/a${index}`, { get: {} }]));
    const { tools, skipped } = await importAll({ openapi: '3.0.0', paths }, 'https://a.example.com');
    expect(Object.keys(tools)).toHaveLength(2_000);
    expect(skipped).toEqual([
      { operation: 'GET /a2000', reason: 'a server has at most 2000 tools: import it into another one' },
    ]);
  });
});
