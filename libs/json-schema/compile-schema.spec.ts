import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { compileSchema, readDeclaredProperties, SchemaFault } from './index.js';

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
    [{ ...OBJECT, description: 'x'.repeat(300_000) }, /^is too large/],
  ])('rejects the schema %#', (schema, message) => {
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
