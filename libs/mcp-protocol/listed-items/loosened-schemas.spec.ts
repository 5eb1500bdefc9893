import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { repairPage } from './repair-page.js';

type Member = 'inputSchema' | 'outputSchema';

/** What a tool lists for a schema of its member `a`; undefined if the member was removed. */
function repairMember(member: Member, a: JsonValue, $defs: JsonObject = {}): JsonObject | undefined {
  const schema: JsonObject = { type: 'object', properties: { a }, $defs };
  const tool = { name: 'tool', inputSchema: { type: 'object' }, [member]: schema };
  return repairPage('tools/list', [tool]).items[0]?.item[member] as JsonObject | undefined;
}

const repairProperty = (a: JsonValue): JsonValue | undefined =>
  (repairMember('inputSchema', a) as { properties: JsonObject }).properties['a'];

describe('a schema with a part that has no meaning', () => {
  it.each<[string, JsonValue, JsonValue]>([
    [
      'keeps the positions of prefixItems',
      { prefixItems: [7, { type: 'string' }] },
      { prefixItems: [{}, { type: 'string' }] },
    ],
    ['accepts any value in anyOf', { anyOf: [{ type: 'string' }, 'x'] }, { anyOf: [{ type: 'string' }, {}] }],
    ['keeps the positions of allOf', { allOf: [7, { type: 'string' }] }, { allOf: [{}, { type: 'string' }] }],
    [
      'no longer counts the matches of oneOf',
      { oneOf: [{ type: 'Issue' }, { type: 'null' }] },
      { anyOf: [{}, { type: 'null' }] },
    ],
    ['loses oneOf beside anyOf', { oneOf: [7], anyOf: [{ type: 'null' }] }, { anyOf: [{ type: 'null' }] }],
    ['loses a negation', { not: { type: 'Issue' }, minimum: 1 }, { minimum: 1 }],
    ['loses a negation of a negation', { not: { not: { minimum: 'one' } } }, {}],
    ['keeps a negation of a sound schema', { not: { type: 'null' }, minimum: 'one' }, { not: { type: 'null' } }],
    ['loses a condition', { if: { minimum: 'one' }, then: { type: 'null' }, else: false }, {}],
    ['loses the maximum of matches', { contains: { type: 'Issue' }, maxContains: 2 }, { contains: {} }],
    [
      'keeps an unreadable property',
      { properties: { b: 7 }, additionalProperties: false },
      { properties: { b: {} }, additionalProperties: false },
    ],
    ['allows any property in place of unreadable ones', { properties: 7, additionalProperties: false }, {}],
    [
      'takes properties that are null for none',
      { properties: null, additionalProperties: false },
      { additionalProperties: false },
    ],
    ['loses unevaluatedProperties', { allOf: [{ $ref: 7 }], unevaluatedProperties: false }, { allOf: [{}] }],
    [
      'has the tuple of a list of items',
      { items: [{ type: 'string' }], additionalItems: false },
      { prefixItems: [{ type: 'string' }], items: false },
    ],
    [
      'has no tuple by additionalItems alone',
      { items: { type: 'string' }, additionalItems: false },
      { items: { type: 'string' }, additionalItems: false },
    ],
    [
      'takes an empty list of items for an empty map',
      { items: [], additionalItems: false },
      { items: {}, additionalItems: false },
    ],
    [
      'keeps prefixItems beside a list of items',
      { prefixItems: [{ type: 'null' }], items: [{ type: 'string' }] },
      { prefixItems: [{ type: 'null' }] },
    ],
  ])('%s', (_what, defective, repaired) => {
    expect(repairProperty(defective)).toEqual(repaired);
  });

  it('loses a negation of a definition that lost a part', () => {
    const repaired = repairMember('inputSchema', { not: { $ref: '#/$defs/d' } }, { d: { type: 'Issue' } });
    expect(repaired?.['properties']).toEqual({ a: {} });
  });
});

const data = fc.constantFrom<JsonValue>(
  null,
  true,
  0,
  1,
  2.5,
  'a',
  'bb',
  [],
  [0],
  ['a', 0],
  [1, 'a', null],
  ['a', 'a'],
  {},
  { a: 0 },
  { a: 'a', b: 1 },
  { b: null, c: [0] },
  { a: { a: 0 }, c: 'bb' },
  [{ a: 0 }],
);
const small = fc.nat({ max: 3 });
const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 });

/** Schemas of which each keyword has a meaning. */
const { schema } = fc.letrec<{ schema: JsonValue; object: JsonObject }>((tie) => {
  const inner = tie('schema');
  const list = fc.array(inner, { minLength: 1, maxLength: 3 });
  const map = fc.dictionary(fc.constantFrom('a', 'b', 'c'), inner, { maxKeys: 2 });
  const keywords = {
    type: fc.constantFrom('string', 'number', 'integer', 'object', 'array', 'null', 'boolean'),
    const: data,
    enum: fc.array(data, { minLength: 1, maxLength: 4 }),
    minimum: small,
    maximum: small,
    maxLength: small,
    minItems: small,
    maxItems: small,
    uniqueItems: fc.boolean(),
    required: names,
    pattern: fc.constantFrom('^a', 'b$'),
    allOf: list,
    anyOf: list,
    oneOf: list,
    not: inner,
    if: inner,
    then: inner,
    else: inner,
    contains: tie('object'),
    minContains: small,
    maxContains: small,
    items: inner,
    prefixItems: list,
    unevaluatedItems: inner,
    properties: map,
    patternProperties: fc.dictionary(fc.constantFrom('^a', 'b$'), inner, { maxKeys: 2 }),
    additionalProperties: inner,
    unevaluatedProperties: inner,
    propertyNames: inner,
    dependentSchemas: map,
    dependentRequired: fc.dictionary(fc.constantFrom('a', 'b'), names, { maxKeys: 2 }),
    $ref: fc.constant('#/$defs/d'),
  };
  const one = fc
    .constantFrom(...(Object.keys(keywords) as (keyof typeof keywords)[]))
    .chain((name) => keywords[name].map((value): JsonObject => ({ [name]: value })));
  return {
    object: fc.array(one, { maxLength: 3 }).map((all): JsonObject => Object.assign({}, ...all) as JsonObject),
    schema: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      { weight: 1, arbitrary: fc.boolean() },
      { weight: 6, arbitrary: tie('object') },
    ),
  };
});

/** Values that have no meaning for any keyword that asserts something. */
const garbage = fc.constantFrom<JsonValue>(7.5, 'Issue', [[7]]);
/** Keywords that read one of these values. */
const UNREADABLE: JsonObject = { pattern: '(', $ref: 7 };
const COUNTS = /^(min|max)/;
const DATA = new Set(['const', 'enum']);

/** Every place of a schema that may hold garbage, with a copy of the whole that holds it. */
function plant(value: JsonValue, bad: JsonValue, isMap = false): JsonValue[] {
  if (Array.isArray(value))
    return value.flatMap((each, index) => plantAt(each, bad, (next) => value.with(index, next)));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const replace = (next: JsonValue): JsonValue => ({ ...value, [name]: next });
    if (isMap) return plantAt(each ?? null, bad, replace);
    if (DATA.has(name)) return [];
    const unreadable = UNREADABLE[name] ?? (COUNTS.test(name) ? 'many' : bad);
    const isMapBelow = ['properties', 'patternProperties', 'dependentSchemas'].includes(name);
    return [replace(unreadable), ...plant(each ?? null, bad, isMapBelow).map(replace)];
  });
}

/** A schema as an entry of a list or map. */
const plantAt = (value: JsonValue, bad: JsonValue, replace: (next: JsonValue) => JsonValue): JsonValue[] =>
  isJsonObject(value) || typeof value === 'boolean' ? [replace(bad), ...plant(value, bad).map(replace)] : [];

const ajv = new Ajv2020({ strict: false, logger: false, allErrors: false });
const compile = (root: JsonObject) => {
  const validate = ajv.compile(root);
  ajv.removeSchema();
  return validate;
};

describe('a repaired schema', () => {
  it.each<Member>(['inputSchema', 'outputSchema'])(
    'accepts as %s what it accepted with any meaning of the unreadable part',
    (member) => {
      let compared = 0;
      fc.assert(
        fc.property(
          schema,
          schema,
          garbage,
          fc.nat(),
          fc.array(data, { minLength: 8, maxLength: 8 }),
          (a, d, bad, place, instances) => {
            const sound: JsonObject = { type: 'object', properties: { a }, $defs: { d } };
            const planted: JsonObject[] = [
              ...plant(a, bad).map((next) => ({ ...sound, properties: { a: next } })),
              ...plant(d, bad).map((next) => ({ ...sound, $defs: { d: next } })),
            ];
            const defective = planted[place % Math.max(planted.length, 1)];
            fc.pre(defective !== undefined);
            const { properties, $defs } = defective as { properties: JsonObject; $defs: JsonObject };
            const repaired = repairMember(member, properties['a'] ?? null, $defs);
            // Without its schema, any result is valid.
            if (repaired === undefined || JSON.stringify(repaired).includes('"("')) return;
            let accepts;
            try {
              accepts = [compile(sound), compile(repaired)] as const;
            } catch (cause) {
              // A schema that refers to itself without end has no meaning.
              if (cause instanceof RangeError) return;
              throw cause;
            }
            for (const instance of instances) {
              try {
                if (!accepts[0]({ a: instance })) continue;
              } catch {
                continue;
              }
              compared += 1;
              if (!accepts[1]({ a: instance })) expect({ instance, repaired }).toBe('accepted');
            }
          },
        ),
        { numRuns: 300 },
      );
      expect(compared).toBeGreaterThan(200);
    },
  );
});
