import { describe, expect, it } from '@jest/globals';
import { compileSchema } from '#lib/json-schema';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { importOpenApi } from './import-openapi.js';

const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });

interface Given {
  readonly schemas?: JsonObject;
  readonly openapi?: string;
}

/** Imports an operation whose JSON body and result have this schema. */
async function convert(schema: JsonObject, { schemas = {}, openapi = '3.0.3' }: Given = {}) {
  const content = { 'application/json': { schema } };
  const operation = {
    operationId: 'one',
    requestBody: { required: true, content: { 'application/json': { schema: { type: 'array', items: schema } } } },
    responses: { 200: { content } },
  };
  const document = { openapi, paths: { '/a': { post: operation } }, components: { schemas } };
  const { tools, skipped } = await importOpenApi(document, ['*'], 'https://a.example.com');
  const { inputSchema, outputSchema } = tools['one'] as { inputSchema: JsonObject; outputSchema?: JsonObject };
  const { body } = inputSchema['properties'] as { body: { items: JsonObject } };
  return { input: body.items, output: outputSchema, inputSchema, skipped };
}

const inputOf = async (schema: JsonObject, given?: Given) => (await convert(schema, given)).input;

describe('schemas of OpenAPI 3.0', () => {
  it.each<[JsonObject, JsonObject]>([
    [{ type: 'string', nullable: false }, { type: 'string' }],
    [{ type: 'string', nullable: true }, { type: ['string', 'null'] }],
    [
      { type: 'string', nullable: true, enum: ['A'] },
      { type: ['string', 'null'], enum: ['A', null] },
    ],
    [{ nullable: true, enum: ['A'] }, { enum: ['A', null] }],
    [
      { nullable: true, description: 'D', allOf: [ref('A')] },
      { description: 'D', type: ['integer', 'null'] },
    ],
    [{ nullable: true, anyOf: [ref('A'), {}] }, { anyOf: [{ type: 'integer' }, {}, { type: 'null' }] }],
    [{ nullable: true, oneOf: [ref('A')] }, { anyOf: [{ oneOf: [{ type: 'integer' }] }, { type: 'null' }] }],
    [{ ...ref('A'), nullable: true }, { type: ['integer', 'null'] }],
    [{ minimum: 0, exclusiveMinimum: true }, { exclusiveMinimum: 0 }],
    [{ maximum: 9, exclusiveMaximum: false }, { maximum: 9 }],
    [
      { type: 'string', example: 'x', xml: {}, externalDocs: {}, 'x-more': 1 },
      { type: 'string', examples: ['x'] },
    ],
    [{ type: 'any', required: true, items: [], minLength: '3', pattern: 7, enum: [] }, { minLength: 3 }],
    [{ items: [{ type: 'string' }, ref('A')] }, { prefixItems: [{ type: 'string' }, { type: 'integer' }] }],
    [
      { ...ref('A'), description: 'D', maximum: 3 },
      { type: 'integer', description: 'D' },
    ],
    [
      { allOf: [ref('A')], description: 'D', maximum: 3 },
      { type: 'integer', description: 'D', maximum: 3 },
    ],
    [{ allOf: [ref('A'), { maximum: 3 }] }, { allOf: [{ type: 'integer' }, { maximum: 3 }] }],
    [{ additionalProperties: ref('A') }, { additionalProperties: { type: 'integer' } }],
    [{ additionalProperties: false }, { additionalProperties: false }],
    [
      { properties: { $ref: { type: 'string' }, nullable: { type: 'boolean' } } },
      { properties: { $ref: { type: 'string' }, nullable: { type: 'boolean' } } },
    ],
  ])('become JSON Schema 2020-12: %j', async (schema, expected) => {
    expect(await inputOf(schema, { schemas: { A: { type: 'integer' } } })).toEqual(expected);
  });

  it.each(['example', 'default', 'enum'])('keep references within the data of %s as they are', async (keyword) => {
    const data = { $ref: '#/components/schemas/None', nullable: true };
    const converted = await inputOf({ [keyword]: keyword === 'enum' ? [data] : data });
    expect(JSON.stringify(converted)).toContain(JSON.stringify(data));
  });

  it('do not ask for what is read-only, and do not promise what is write-only', async () => {
    const schemas = {
      Base: {
        type: 'object',
        required: ['id', 'name'],
        properties: { id: ref('Id'), secret: { type: 'string', writeOnly: true } },
      },
      Id: { type: 'string', readOnly: true },
    };
    const composed = {
      type: 'object',
      allOf: [ref('Base'), { properties: { name: { type: 'string' } } }],
      required: ['id', 'secret'],
      properties: {
        inner: { type: 'object', required: ['made'], properties: { made: { type: 'string', readOnly: true } } },
      },
    };
    const { input, output } = await convert(composed, { schemas });
    expect(input).toMatchObject({ required: ['secret'], properties: { inner: { type: 'object', properties: {} } } });
    expect(JSON.stringify(input)).not.toMatch(/"id"|made/);
    expect(output).toMatchObject({ required: ['id'], properties: { inner: { required: ['made'] } } });
    expect(JSON.stringify(output)).not.toContain('secret');
  });

  it('leave out a pattern that cannot be matched in linear time, and say so', async () => {
    const { input, skipped } = await convert({ type: 'string', pattern: '^(?=a)b' });
    expect(input).toEqual({ type: 'string' });
    expect(skipped).toEqual([
      {
        operation: 'POST /a',
        part: 'inputSchema: pattern "^(?=a)b"',
        reason: 'it is invalid, or uses look-around or a back-reference',
      },
    ]);
  });
});

describe('references', () => {
  it('to schemas that contain themselves become definitions, which are checked at every depth', async () => {
    const schemas = {
      Node: { type: 'object', properties: { value: { type: 'integer' }, next: ref('Node') } },
      Filter: { oneOf: [{ type: 'string' }, ref('And')] },
      And: { type: 'object', properties: { all: { type: 'array', items: ref('Filter') } } },
    };
    const { input, inputSchema } = await convert(
      { type: 'object', properties: { node: ref('Node'), filter: ref('Filter') } },
      { schemas },
    );
    expect(input).toMatchObject({ properties: { node: { $ref: '#/$defs/Node' }, filter: { $ref: '#/$defs/Filter' } } });
    const check = compileSchema(inputSchema);
    const nested = (value: JsonValue): JsonValue => ({ next: { next: { next: { value } } } });
    expect(check({ body: [{ node: nested(1), filter: { all: [{ all: ['x'] }] } }] })).toBeUndefined();
    expect(check({ body: [{ node: nested('x') }] })).toMatch(/must be/);
  });

  it.each<[string, JsonObject]>([
    ['#/paths/~1b/get/parameters/0/schema', { type: 'boolean' }],
    ['#/components/schemas/List/allOf/1', { minimum: 1 }],
    ['#/components/schemas/Alias/properties/x', { type: 'string' }],
    ['#/components/schemas/a%20b', { type: 'null' }],
  ])('lead into lists, paths and other references: %s', async ($ref, expected) => {
    const schemas = {
      List: { allOf: [{}, { minimum: 1 }] },
      Alias: { $ref: '#/components/schemas/Real' },
      Real: { properties: { x: { type: 'string' } } },
      'a b': { type: 'null' },
    };
    const paths = {
      '/a': {
        post: { operationId: 'one', requestBody: { content: { 'application/json': { schema: { items: { $ref } } } } } },
      },
      '/b': { get: { parameters: [{ name: 'p', in: 'query', schema: { type: 'boolean' } }] } },
    };
    const { tools } = await importOpenApi(
      { openapi: '3.0.0', paths, components: { schemas } },
      ['one'],
      'https://a.example.com',
    );
    expect(tools['one']).toMatchObject({ inputSchema: { properties: { body: { items: expected } } } });
  });

  it.each(['#/components/schemas/None', '#anchor', '#/components/schemas/A'])(
    'that lead nowhere skip the operation: %s',
    async ($ref) => {
      const schemas = { A: { $ref: '#/components/schemas/B' }, B: { $ref: '#/components/schemas/A' } };
      const operation = { parameters: [{ name: 'p', in: 'query', schema: { type: 'array', items: { $ref } } }] };
      const { skipped, tools } = await importOpenApi(
        { openapi: '3.1.0', paths: { '/a': { get: operation } }, components: { schemas } },
        ['*'],
        'https://a.example.com',
      );
      expect([Object.keys(tools).length, skipped.length]).toEqual([0, 1]);
    },
  );

  it('of OpenAPI 3.1 count together with what stands beside them', async () => {
    const schemas = { State: { type: 'string', enum: ['NEW'] }, Point: { $defs: { x: { type: 'number' } } } };
    const given = { schemas, openapi: '3.1.0' };
    expect(await inputOf({ ...ref('State'), description: 'D', default: 'NEW' }, given)).toEqual({
      type: 'string',
      enum: ['NEW'],
      description: 'D',
      default: 'NEW',
    });
    expect(await inputOf({ ...ref('State'), enum: ['OLD'] }, given)).toEqual({
      enum: ['OLD'],
      allOf: [{ type: 'string', enum: ['NEW'] }],
    });
    expect(await inputOf({ $ref: '#/components/schemas/Point/$defs/x' }, given)).toEqual({ type: 'number' });
    expect(await inputOf({ type: ['integer', 'null'], exclusiveMinimum: 0, const: null }, given)).toEqual({
      type: ['integer', 'null'],
      exclusiveMinimum: 0,
      const: null,
    });
  });
});

describe('discriminators', () => {
  const schemas = {
    Cat: { type: 'object', properties: { kind: { type: 'string' }, lives: { type: 'integer' } } },
    Dog: { type: 'object', required: ['kind'], properties: { kind: { type: 'string' }, bark: { type: 'boolean' } } },
    Fish: { type: 'object', properties: { kind: { enum: ['carp'] } } },
  };
  const mapping = { cat: '#/components/schemas/Cat', kitten: 'Cat', dog: 'Dog' };
  const pet = { oneOf: [ref('Cat'), ref('Dog'), ref('Fish')], discriminator: { propertyName: 'kind', mapping } };

  it('select an alternative of the arguments by the value of their property', async () => {
    const { input, output, inputSchema } = await convert({ type: 'object', properties: { pet } }, { schemas });
    expect(input).toMatchObject({
      properties: {
        pet: {
          oneOf: [
            { properties: { kind: { type: 'string', enum: ['cat', 'kitten'] } }, required: ['kind'] },
            { properties: { kind: { type: 'string', const: 'dog' } }, required: ['kind'] },
            { properties: { kind: { enum: ['carp'] } } },
          ],
        },
      },
    });
    expect(JSON.stringify(output)).not.toContain('kitten');
    const check = compileSchema(inputSchema);
    expect(check({ body: [{ pet: { kind: 'dog', bark: true } }] })).toBeUndefined();
    expect(check({ body: [{ pet: { kind: 'horse' } }] })).toBeDefined();
  });
});
