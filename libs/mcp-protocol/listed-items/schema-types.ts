import type { JsonValue } from '../json.js';

const TYPES: ReadonlySet<string> = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

/** Names of types in other languages and formats, in lower case. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['str', 'string'],
  ['text', 'string'],
  ['int', 'integer'],
  ['int32', 'integer'],
  ['int64', 'integer'],
  ['long', 'integer'],
  ['float', 'number'],
  ['double', 'number'],
  ['decimal', 'number'],
  ['bool', 'boolean'],
  ['dict', 'object'],
  ['map', 'object'],
  ['list', 'array'],
  ['none', 'null'],
  ['nil', 'null'],
]);

const toType = (name: JsonValue): string | undefined => {
  if (typeof name !== 'string') return undefined;
  if (TYPES.has(name)) return name;
  const lower = name.toLowerCase();
  return TYPES.has(lower) ? lower : OTHER_NAMES.get(lower);
};

/** Returns the value of the keyword `type` with the names of JSON Schema, or undefined when it has no meaning. */
export function toSchemaType(value: JsonValue): JsonValue | undefined {
  if (!Array.isArray(value)) return toType(value);
  const types = value.map(toType);
  if (types.length === 0 || types.includes(undefined)) return undefined;
  const distinct = [...new Set(types)] as string[];
  return distinct.length === value.length && distinct.every((type, index) => type === value[index]) ? value : distinct;
}
