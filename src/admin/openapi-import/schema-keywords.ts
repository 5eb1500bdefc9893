import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { SchemaFault, validateSchema } from '#lib/json-schema';

/** Keywords whose value maps names to schemas. */
export const MAP_KEYWORDS = ['properties', 'patternProperties', 'dependentSchemas'] as const;
/** Keywords whose value is a list of schemas. */
export const LIST_KEYWORDS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const;
/** Keywords whose value is a schema. */
export const SCHEMA_KEYWORDS = [
  'items',
  'additionalProperties',
  'additionalItems',
  'unevaluatedItems',
  'unevaluatedProperties',
  'contains',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
] as const;

/** Returns the schemas directly below a schema of OpenAPI, in which a list of `items` is a tuple. */
export function schemasBelow(schema: JsonObject): readonly JsonValue[] {
  const maps = MAP_KEYWORDS.flatMap((keyword) => (isJsonObject(schema[keyword]) ? Object.values(schema[keyword]) : []));
  const others = [...LIST_KEYWORDS, ...SCHEMA_KEYWORDS].flatMap((keyword) => schema[keyword]);
  return [...maps, ...others].filter((each): each is JsonValue => each !== undefined);
}

const TYPES: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

/** Names of types that documents use although they do not exist. Undefined: the type says nothing. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  int: 'integer',
  long: 'integer',
  float: 'number',
  double: 'number',
  bool: 'boolean',
  file: 'string',
  date: 'string',
  datetime: 'string',
  'date-time': 'string',
  uuid: 'string',
};

function readType(value: JsonValue): JsonValue | undefined {
  const types = [value].flat().flatMap((type) => {
    if (TYPES.has(type)) return [type];
    const lower = typeof type === 'string' ? type.toLowerCase() : '';
    return Object.hasOwn(OTHER_TYPES, lower) ? [OTHER_TYPES[lower] ?? ''] : [];
  });
  const unique = [...new Set(types)];
  return Array.isArray(value) && unique.length > 1 ? unique : unique[0];
}

const text = (value: JsonValue): JsonValue | undefined => (typeof value === 'string' ? value : undefined);
const flag = (value: JsonValue): JsonValue | undefined => (typeof value === 'boolean' ? value : undefined);
const list = (value: JsonValue): JsonValue | undefined =>
  Array.isArray(value) && value.length > 0 ? value : undefined;
const any = (value: JsonValue): JsonValue | undefined => value;

function number(value: JsonValue): JsonValue | undefined {
  if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
  return typeof value === 'number' ? value : undefined;
}

function count(value: JsonValue): JsonValue | undefined {
  const read = number(value);
  return typeof read === 'number' && Number.isInteger(read) && read >= 0 ? read : undefined;
}

const positive = (value: JsonValue): JsonValue | undefined => {
  const read = number(value);
  return typeof read === 'number' && read > 0 ? read : undefined;
};

function pattern(value: JsonValue): JsonValue | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    validateSchema({ pattern: value });
    return value;
  } catch (fault) {
    if (fault instanceof SchemaFault) return undefined;
    throw fault;
  }
}

/**
 * Keywords whose value is no schema, with what JSON Schema 2020-12 allows of their values. Undefined: the value has no
 * meaning there.
 */
export const PLAIN_KEYWORDS: Readonly<Record<string, (value: JsonValue) => JsonValue | undefined>> = {
  type: readType,
  title: text,
  description: text,
  format: text,
  contentEncoding: text,
  contentMediaType: text,
  pattern,
  enum: list,
  const: any,
  default: any,
  examples: list,
  deprecated: flag,
  uniqueItems: flag,
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  multipleOf: positive,
  minLength: count,
  maxLength: count,
  minItems: count,
  maxItems: count,
  minProperties: count,
  maxProperties: count,
  minContains: count,
  maxContains: count,
};

/** Keywords that say something to people and models, and restrict nothing. */
export const ANNOTATIONS: ReadonlySet<string> = new Set(['title', 'description', 'default', 'examples', 'deprecated']);
