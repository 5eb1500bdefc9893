import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { ANNOTATIONS } from './schema-keywords.js';

const COMPOSITIONS = ['$ref', 'allOf', 'anyOf', 'oneOf', 'not', 'if'];

/** Lets a schema accept null too (`nullable` of OpenAPI 3.0), whatever its form is. */
export function withNull(schema: JsonObject): JsonObject {
  const { type, enum: values, const: constant, anyOf } = schema;
  const isComposed = COMPOSITIONS.some((keyword) => schema[keyword] !== undefined);
  if (!isComposed && constant === undefined) {
    const types = type === undefined ? undefined : [...new Set([type, 'null'].flat())];
    const all = Array.isArray(values) && !values.includes(null) ? [...values, null] : values;
    return { ...schema, ...(types && { type: types }), ...(all !== undefined && { enum: all }) };
  }
  const entries = Object.entries(schema);
  const annotations = entries.filter(([name]) => ANNOTATIONS.has(name));
  const rules = entries.filter(([name]) => !ANNOTATIONS.has(name));
  const isChoice = Array.isArray(anyOf) && rules.length === 1;
  const choices: JsonValue[] = isChoice ? anyOf : [Object.fromEntries(rules)];
  return { ...Object.fromEntries(annotations), anyOf: [...choices, { type: 'null' }] };
}

/** OpenAPI 3.0 marks a bound as exclusive; JSON Schema has a keyword for exclusive bounds. */
export function withExclusiveBounds(schema: JsonObject): JsonObject {
  const { exclusiveMinimum, exclusiveMaximum, minimum, maximum } = schema;
  const converted = { ...schema };
  if (typeof exclusiveMinimum === 'boolean') delete converted['exclusiveMinimum'];
  if (typeof exclusiveMaximum === 'boolean') delete converted['exclusiveMaximum'];
  if (exclusiveMinimum === true && minimum !== undefined) {
    delete converted['minimum'];
    converted['exclusiveMinimum'] = minimum;
  }
  if (exclusiveMaximum === true && maximum !== undefined) {
    delete converted['maximum'];
    converted['exclusiveMaximum'] = maximum;
  }
  return converted;
}
