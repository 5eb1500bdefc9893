import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { compileSchema, readDeclaredProperties, SchemaFault, validateSchema } from './index.js';

const OBJECT: JsonObject = { type: 'object' };

describe('compileSchema', () => {
  it.each<[JsonObject, RegExp]>([
    [{ ...OBJECT, properties: { a: { type: 'int' } } }, /^is not a valid JSON Schema: the keyword at \/properties\/a/],
    [{ ...OBJECT, required: 'a' }, /^is not a valid JSON Schema: the keyword at \/required/],
    [{ ...OBJECT, properties: { a: { pattern: '(' } } }, /^has the pattern "\("/],
    [{ ...OBJECT, properties: { a: { pattern: '^(?=a)b' } } }, /look-around/],
    [{ ...OBJECT, properties: { a: { pattern: '(a)\\1' } } }, /back-reference/],
    [{ ...OBJECT, properties: { a: { $ref: '#/$defs/None' } } }, /^refers to "#\/\$defs\/None"/],
    [{ ...OBJECT, properties: { a: { $ref: 'https://example.com/x' } } }, /^refers to "https:\/\/example\.com\/x"/],
    [{ ...OBJECT, description: 'x'.repeat(64 * 1024) }, /^is too large/],
    [{ ...OBJECT, properties: { a: { id: 'x' } } }, /^has the keyword "id"/],
  ])('rejects the schema %#', (schema, message) => {
    expect(() => validateSchema(schema)).toThrow(SchemaFault);
    expect(() => validateSchema(schema)).toThrow(message);
    expect(() => compileSchema(schema)).toThrow(SchemaFault);
    expect(() => compileSchema(schema)).toThrow(message);
  });

  it('accepts schemas of draft 7 and unknown keywords and formats', () => {
    const check = compileSchema({
      $schema: 'http://json-schema.org/draft-07/schema#',
      $id: 'https://example.com/same',
      type: 'object',
      definitions: { A: { type: 'string', format: 'no-such-format', example: 'x' } },
      properties: { a: { items: [{ $ref: '#/definitions/A' }, { type: 'number' }] } },
    });
    expect(check({ a: ['x', 1] })).toBeUndefined();
    expect(check({ a: [1] })).toBe('The argument a[0] must be a string.');
  });

  it('applies each pattern of a schema', () => {
    const check = compileSchema({ type: 'object', properties: { a: { pattern: '^x' }, b: { pattern: '^(y+)+$' } } });
    expect(check({ a: 'x', b: 'yy' })).toBeUndefined();
    expect(check({ a: 'y' })).toBe('The argument a must match the pattern ^x.');
    expect(check({ b: 'x' })).toBe('The argument b must match the pattern ^(y+)+$.');
  });

  it('compiles two schemas with the same $id', () => {
    const named = (type: string) =>
      compileSchema({ $id: 'https://example.com/a', type: 'object', properties: { a: { type } } });
    expect(named('string')({ a: 1 })).toBe('The argument a must be a string.');
    expect(named('number')({ a: 1 })).toBeUndefined();
  });

  it('follows a schema that contains itself', () => {
    const check = compileSchema({ type: 'object', properties: { next: { $ref: '#' } }, required: ['id'] });
    expect(check({ id: 1, next: { id: 2 } })).toBeUndefined();
    expect(check({ id: 1, next: {} })).toBe('The argument next.id is missing.');
  });

  it('keeps a check that is used while 1,000 other schemas are compiled', () => {
    const named = (name: string) => compileSchema({ type: 'object', title: name });
    const used = named('used');
    for (let other = 0; other < 1_000; other += 1) {
      named(`other ${other}`);
      expect(named('used')).toBe(used);
    }
  });

  const numbers = (count: number) => Array.from({ length: count }, (_item, index) => index);
  const chain = (depth: number): JsonObject => (depth === 0 ? { kind: 3 } : { kind: 3, next: chain(depth - 1) });
  const link = (kind: number): JsonObject => ({ properties: { next: { $ref: '#' }, kind: { const: kind } } });

  it.each<[string, JsonObject, JsonObject]>([
    [
      'items with alternatives',
      { properties: { a: { items: { oneOf: [{ type: 'string' }, { minimum: 0 }] } } } },
      { a: numbers(200_000) },
    ],
    ['a text for a pattern', { properties: { a: { pattern: '^(a|a?)+$' } } }, { a: 'a'.repeat(1_000_000) }],
    ['items that must be unique', { properties: { a: { uniqueItems: true } } }, { a: numbers(200_000).map(String) }],
    ['a schema that contains itself twice', { anyOf: [link(1), link(2)] }, chain(40)],
  ])('refuses arguments whose check takes too long: %s', (_name, schema, args) => {
    expect(compileSchema({ type: 'object', ...schema })(args)).toBe(
      'The arguments are too large for the schema of this tool.',
    );
  });

  it('accepts large arguments whose check is fast', () => {
    const items = { type: 'object', required: ['id'], properties: { id: { type: 'integer' }, name: { maxLength: 9 } } };
    const check = compileSchema({ type: 'object', properties: { a: { items }, text: { type: 'string' } } });
    const args = { a: numbers(50_000).map((id) => ({ id, name: 'x' })), text: 'x'.repeat(10_000_000) };
    expect(check(args)).toBeUndefined();
    expect(check({ a: [{}] })).toBe('The argument a[0].id is missing.');
  });

  it('returns a fault for a schema that refers to itself without end', () => {
    const check = compileSchema({ type: 'object', anyOf: [{ $ref: '#' }] });
    expect(check({})).toMatch(/cannot be checked/);
  });

  it('never throws for a value, and names a rule in one short sentence', () => {
    const check = compileSchema({
      type: 'object',
      properties: { a: { enum: [1, 'x'] }, b: { oneOf: [{ type: 'string' }, { minLength: 2 }] } },
      propertyNames: { maxLength: 3 },
      additionalProperties: { type: ['integer', 'null'] },
      maxProperties: 2,
    });
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<JsonValue>, (value) => {
        const fault = check(value);
        if (fault !== undefined) expect(fault).toMatch(/^(The argument .{0,100}|params\.arguments) .{5,230}\.$/s);
      }),
    );
  });
});

describe('readDeclaredProperties', () => {
  it('finds the members of all schemas that apply to the same object', () => {
    const declared = readDeclaredProperties({
      type: 'object',
      properties: { a: { properties: { nested: {} } } },
      $ref: '#/$defs/B',
      $defs: {
        B: { properties: { b: {} }, allOf: [{ $ref: '#' }, { properties: { c: {} } }] },
        Unused: { properties: { u: {} } },
      },
      if: { properties: { d: {} } },
      dependentSchemas: { a: { properties: { e: {} } } },
    });
    expect(['a', 'b', 'c', 'd', 'e', 'nested', 'u', '__proto__'].filter((name) => declared.has(name))).toEqual([
      'a',
      'b',
      'c',
      'd',
      'e',
    ]);
    expect(declared.isOpen).toBe(false);
  });
});
