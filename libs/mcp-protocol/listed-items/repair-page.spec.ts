import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../json.js';
import { LIST_MEMBERS, type ListMethod } from '../methods.js';
import { connectOfficialClients, type OfficialClient } from './official-clients-fixture.js';
import { repairPage } from './repair-page.js';
import { KEYWORDS } from './schema-keywords.js';

const GOOD = { name: 'good', inputSchema: { type: 'object' } };

/** The item that a page of one item becomes, and its warning. */
function repair(item: JsonValue, method: ListMethod = 'tools/list') {
  const { items, warnings } = repairPage(method, [item]);
  return { item: items[0]?.item, warnings };
}

const repairTool = (tool: JsonObject) => repair({ name: 'bad', inputSchema: { type: 'object' }, ...tool });
const repairInput = (inputSchema: JsonValue) => repairTool({ inputSchema }).item?.['inputSchema'];
const repairProperty = (property: JsonValue) =>
  (repairInput({ type: 'object', properties: { a: property } }) as { properties: JsonObject }).properties['a'];
const repairOutput = (outputSchema: JsonValue) => repairTool({ outputSchema }).item?.['outputSchema'];

describe('a listed item in order', () => {
  it.each<[ListMethod, JsonObject]>([
    ['tools/list', GOOD],
    [
      'tools/list',
      {
        ...GOOD,
        title: 'Good',
        icons: [{ src: 'https://example.com/i.png', sizes: ['48x48'] }],
        outputSchema: { $ref: '#/$defs/a', $defs: { a: { anyOf: [{ type: 'object' }, { type: 'null' }] } } },
        annotations: { readOnlyHint: true, vendor: 1 },
        execution: { taskSupport: 'optional' },
        vendor: null,
      },
    ],
    ['prompts/list', { name: 'good', arguments: [{ name: 'a', required: true }] }],
    ['resources/list', { uri: 'a:b', name: 'good', size: 3, annotations: { audience: ['user'], priority: 0.5 } }],
    ['resources/templates/list', { uriTemplate: 'a:{b}', name: 'good', mimeType: 'text/plain' }],
  ])('of %s is the same object', (method, item) => {
    expect(repair(item, method)).toEqual({ item, warnings: [] });
    expect(repair(item, method).item).toBe(item);
  });
});

describe('an optional member without a valid value', () => {
  it.each<[ListMethod, JsonObject, JsonObject]>([
    ['tools/list', { ...GOOD, title: null, description: null, annotations: null, execution: null }, GOOD],
    ['tools/list', { ...GOOD, description: 7, icons: {}, _meta: [] }, GOOD],
    [
      'tools/list',
      { ...GOOD, annotations: { readOnlyHint: 'yes', title: 'T' } },
      { ...GOOD, annotations: { title: 'T' } },
    ],
    [
      'tools/list',
      { ...GOOD, icons: [{ src: 'a:b', sizes: '48x48' }] },
      { ...GOOD, icons: [{ src: 'a:b', sizes: ['48x48'] }] },
    ],
    ['prompts/list', { name: 'p', arguments: null }, { name: 'p' }],
    [
      'prompts/list',
      { name: 'p', arguments: [{ name: 'a', required: null }] },
      { name: 'p', arguments: [{ name: 'a' }] },
    ],
    [
      'resources/list',
      { uri: 'a:b', name: 'n', size: '3', annotations: { priority: 3 } },
      { uri: 'a:b', name: 'n', annotations: {} },
    ],
    ['resources/list', { uri: 'a:b', title: 'Title' }, { uri: 'a:b', title: 'Title', name: 'Title' }],
    ['resources/templates/list', { uriTemplate: 'a:{b}', name: null }, { uriTemplate: 'a:{b}', name: 'a:{b}' }],
  ])('of %s is removed, with a warning: %j', (method, bad, good) => {
    const { item, warnings } = repair(bad, method);
    expect(item).toEqual(good);
    expect(warnings).toEqual([expect.stringMatching(/^The .+ was repaired: .+\.$/)]);
  });
});

describe('an input schema', () => {
  it.each<[string, JsonValue, JsonValue]>([
    ['that is null', null, { type: 'object' }],
    ['that is an empty list', [], { type: 'object' }],
    ['without a type', { properties: {} }, { type: 'object', properties: {} }],
    ['of a type in capitals', { type: 'OBJECT' }, { type: 'object' }],
    ['that may be null', { type: ['object', 'null'] }, { type: 'object' }],
    ['with members that are null', { type: 'object', properties: null, required: null }, { type: 'object' }],
    [
      'with empty lists for maps',
      { type: 'object', properties: [], $defs: [] },
      { type: 'object', properties: {}, $defs: {} },
    ],
  ])('%s is repaired', (_what, bad, good) => {
    expect(repairInput(bad)).toEqual(good);
  });

  it('that is missing accepts any object', () => {
    expect(repair({ name: 'bad' }).item).toEqual({ name: 'bad', inputSchema: { type: 'object' } });
  });

  it.each<[string, JsonValue, JsonValue]>([
    [
      'draft 4',
      { minimum: 0, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false },
      { exclusiveMinimum: 0, maximum: 9 },
    ],
    ['a bound of draft 4 alone', { exclusiveMinimum: true }, {}],
    ['a type of another language', { type: 'int' }, { type: 'integer' }],
    ['types of other languages', { type: ['str', 'None'] }, { type: ['string', 'null'] }],
    ['an unknown type', { type: 'Issue' }, {}],
    ['the name of a type', 'string', { type: 'string' }],
    ['null', null, {}],
    ['true', true, {}],
    ['false', false, { not: {} }],
    [
      'a list of items',
      { items: [{ type: 'string' }], additionalItems: false },
      { prefixItems: [{ type: 'string' }], items: false },
    ],
    ['keywords of wrong types', { enum: 'a', minLength: -1, pattern: 1, format: null, anyOf: {} }, {}],
    ['a pattern of another language', { pattern: '(?P<a>x)' }, { pattern: '(?P<a>x)' }],
    [
      'data that resembles a schema',
      { const: { type: 'int' }, default: null },
      { const: { type: 'int' }, default: null },
    ],
    [
      'a property named like a keyword',
      { properties: { enum: { type: 'int' } } },
      { properties: { enum: { type: 'integer' } } },
    ],
  ])('with %s in a property is repaired', (_what, bad, good) => {
    expect(repairProperty(bad)).toEqual(good);
  });

  it('with `required: true` in a property, as in draft 3, requires it', () => {
    expect(repairInput({ type: 'object', properties: { a: { required: true }, b: {} } })).toEqual({
      type: 'object',
      properties: { a: {}, b: {} },
      required: ['a'],
    });
  });

  it('keeps the lists of items of draft 7 where it declares it', () => {
    const schema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { a: { items: [{}] } },
    };
    expect(repairInput(schema)).toBe(schema);
  });
});

describe('an output schema', () => {
  it.each<[string, JsonValue, JsonValue | undefined]>([
    ['that is null is removed', null, undefined],
    ['that is a list is removed', [], undefined],
    [
      'with a reference that leads nowhere is removed',
      { type: 'object', properties: { a: { $ref: '#/$defs/a' } } },
      undefined,
    ],
    ['with a remote reference is removed', { type: 'object', allOf: [{ $ref: 'https://example.com/a' }] }, undefined],
    ['with references in a circle is removed', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }, undefined],
    [
      'with a recursive member is kept',
      { type: 'object', properties: { a: { $ref: '#' } } },
      { type: 'object', properties: { a: { $ref: '#' } } },
    ],
    [
      'loses its ids, which collide in clients',
      { $id: 'a', type: 'object', properties: { a: { $id: 'b', type: 'string' } } },
      { type: 'object', properties: { a: { type: 'string' } } },
    ],
    [
      'loses patterns that JavaScript refuses',
      { type: 'object', properties: { a: { pattern: '(?P<a>x)' } } },
      { type: 'object', properties: { a: {} } },
    ],
    [
      'that refers to an object is an object',
      { $ref: '#/$defs/a', $defs: { a: { type: 'object' } } },
      { type: 'object', $ref: '#/$defs/a', $defs: { a: { type: 'object' } } },
    ],
    [
      'loses names of schemas at any depth of unknown keywords, which validators read',
      { type: 'object', $recursiveRef: { anyOf: [{ $anchor: '' }] }, examples: { $id: 'a b' } },
      { type: 'object' },
    ],
    [
      'keeps examples that resemble schemas',
      { type: 'object', examples: [{ $id: 'a b' }] },
      { type: 'object', examples: [{ $id: 'a b' }] },
    ],
    ['of another type is kept', { type: 'array', items: {} }, { type: 'array', items: {} }],
  ])('%s', (_what, bad, good) => {
    expect(repairOutput(bad)).toEqual(good);
  });

  it('without a type is the one of an object at a server of the legacy era', () => {
    const [listed] = repairPage('tools/list', [{ ...GOOD, outputSchema: { properties: {} } }], 'legacy').items;
    expect(listed?.item['outputSchema']).toEqual({ properties: {}, type: 'object' });
  });
});

describe('an item that is left out', () => {
  it.each<[string, JsonValue]>([
    ['is no object', 'bad'],
    ['is null', null],
    ['has no name', { inputSchema: { type: 'object' } }],
    ['has a number as its name', { name: 7, inputSchema: { type: 'object' } }],
    ['has an empty name', { name: '', inputSchema: { type: 'object' } }],
    ['has a filled list as its inputSchema', { name: 'bad', inputSchema: [{}] }],
    ['has an inputSchema of another type', { name: 'bad', inputSchema: { type: 'string' } }],
    ['has the name of an earlier one', { ...GOOD }],
    [
      'has an x-mcp-header that is no name',
      { name: 'bad', inputSchema: { properties: { a: { 'x-mcp-header': 'a b' } } } },
    ],
    ['has an x-mcp-header at the root', { name: 'bad', inputSchema: { type: 'object', 'x-mcp-header': 'A' } }],
    [
      'has more than 10,000 schemas',
      { name: 'bad', inputSchema: { type: 'object', allOf: Array.from({ length: 10_001 }, () => ({})) } },
    ],
  ])('because it %s does not affect the others', (_what, bad) => {
    const last = { ...GOOD, name: 'last' };
    const { items, warnings } = repairPage('tools/list', [GOOD, bad, last]);
    expect(items.map(({ item }) => item)).toEqual([GOOD, last]);
    expect(warnings).toEqual([expect.stringMatching(/^The tool .+ was left out: .+\.$/)]);
  });

  it.each<[ListMethod, JsonObject]>([
    ['prompts/list', { name: 'bad', arguments: [{ description: 'no name' }] }],
    ['prompts/list', { name: 'bad', arguments: 'a' }],
    ['resources/list', { name: 'bad' }],
    ['resources/templates/list', { uriTemplate: 7 }],
  ])('of %s is named in the warning: %j', (method, bad) => {
    expect(repair(bad, method)).toEqual({ item: undefined, warnings: [expect.stringContaining('was left out')] });
  });
});

describe('a list of any items', () => {
  let clients: OfficialClient[];
  beforeAll(async () => {
    clients = await connectOfficialClients();
    // The validators of clients name unknown formats there.
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  });

  /** Values that servers have been seen to send, and any others. */
  const value = fc.oneof(
    fc.constantFrom<JsonValue>(null, true, false, 'object', 'int', 'a', '', 0, 1.5, -1, [], {}, ['a'], [null], {
      type: 'object',
    }),
    fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>,
  );
  const { schema } = fc.letrec((tie) => ({
    schema: fc.dictionary(
      fc.constantFrom(...KEYWORDS.keys(), 'id', '$recursiveRef', '$async', 'x-vendor'),
      tie('keyword') as fc.Arbitrary<JsonValue>,
      { maxKeys: 4 },
    ),
    keyword: fc.oneof(
      { depthSize: 'small' },
      value,
      fc.constantFrom<JsonValue>(
        '#',
        '#/$defs/a',
        '#/properties/a',
        '#a',
        'b#/c',
        'object',
        'array',
        'string',
        '[a',
        '(?<a>.)',
      ),
      tie('schema'),
      fc.array(tie('schema'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', '__proto__', '[a', 'type', '$id'), fc.oneof(tie('schema'), value), {
        maxKeys: 3,
      }),
    ),
  }));
  const member = fc.oneof(
    value,
    fc.array(value, { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        'title',
        'readOnlyHint',
        'audience',
        'priority',
        'lastModified',
        'taskSupport',
        'src',
        'sizes',
        'theme',
        'name',
        'required',
      ),
      value,
      { maxKeys: 4 },
    ),
    fc.array(fc.record({ src: value, name: value, sizes: value }, { requiredKeys: [] }), { maxLength: 2 }),
  );
  const item = fc.oneof(
    { weight: 1, arbitrary: value },
    {
      weight: 9,
      arbitrary: fc.record(
        {
          name: fc.oneof({ weight: 5, arbitrary: fc.string({ minLength: 1 }) }, { weight: 1, arbitrary: member }),
          uri: fc.oneof({ weight: 5, arbitrary: fc.string({ minLength: 1 }) }, { weight: 1, arbitrary: member }),
          uriTemplate: fc.oneof(
            { weight: 5, arbitrary: fc.string({ minLength: 1 }) },
            { weight: 1, arbitrary: member },
          ),
          title: member,
          description: member,
          inputSchema: fc.oneof(schema as fc.Arbitrary<JsonValue>, member),
          outputSchema: fc.oneof(schema as fc.Arbitrary<JsonValue>, member),
          annotations: member,
          icons: member,
          arguments: member,
          execution: member,
          size: member,
          mimeType: member,
          _meta: member,
        },
        { requiredKeys: ['name', 'uri', 'uriTemplate'] },
      ),
    },
  );

  it.each(Object.keys(LIST_MEMBERS) as ListMethod[])('of %s is read by the official clients', async (method) => {
    await fc.assert(
      fc.asyncProperty(fc.array(item as fc.Arbitrary<JsonValue>, { maxLength: 4 }), async (listed) => {
        const items = repairPage(method, listed).items.map((each) => each.item);
        for (const client of clients) expect(await client.list(method, items)).toHaveLength(items.length);
      }),
      { numRuns: 300 },
    );
  });
});
