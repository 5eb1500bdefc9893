/**
 * The form in which official SDKs show results and output schemas to legacy clients that are no objects: one member `result`.
 * The schemas of legacy clients allow objects only.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { KEYWORDS } from '../listed-items/schema-keywords.js';

const INNER = '#/properties/result';
const RECURSIVE_DIALECT = /\/draft\/2019-09\//;

/** True if results of this schema reach legacy clients in an envelope. */
export const needsEnvelope = (outputSchema: JsonValue | undefined): outputSchema is JsonObject =>
  isJsonObject(outputSchema) && outputSchema['type'] !== 'object';

export const toEnvelope = (value: JsonValue): JsonObject => ({ result: value });

/** Returns the schema of the envelope. References within the schema lead to their new places. */
export function toEnvelopeSchema(outputSchema: JsonObject): JsonObject {
  const { $schema: dialect } = outputSchema;
  const isRecursive =
    typeof dialect === 'string' && RECURSIVE_DIALECT.test(dialect) && outputSchema['$recursiveAnchor'] !== true;
  return {
    ...(dialect !== undefined && { $schema: dialect }),
    type: 'object',
    properties: { result: moveReferences(outputSchema, isRecursive) },
    required: ['result'],
  };
}

function moveReferences(schema: JsonObject, isRecursive: boolean): JsonObject {
  if (hasOwnBase(schema)) return schema;
  const moveOne = (value: JsonValue): JsonValue => (isJsonObject(value) ? moveReferences(value, isRecursive) : value);
  const moved = mapValues(schema, (value, keyword) =>
    keyword === '$ref' || keyword === '$dynamicRef' ? moveReference(value) : moveIn(keyword, value, moveOne),
  );
  if (!isRecursive || schema['$recursiveRef'] !== '#') return moved;
  const { $recursiveRef: _replaced, ...others } = moved;
  if (others['$ref'] === undefined) return { ...others, $ref: INNER };
  const { allOf } = others;
  return { ...others, allOf: [...(Array.isArray(allOf) ? allOf : []), { $ref: INNER }] };
}

/** References within a schema with a base URI of its own start there. A fragment is an anchor in earlier drafts. */
const hasOwnBase = ({ $id: id }: JsonObject): boolean =>
  id !== undefined && !(typeof id === 'string' && id.startsWith('#'));

/** A pointer leads to the envelope otherwise. Names and other documents stay where they are. */
function moveReference(reference: JsonValue): JsonValue {
  if (typeof reference !== 'string') return reference;
  if (reference === '#') return INNER;
  return reference.startsWith('#/') ? INNER + reference.slice(1) : reference;
}

/** Data, such as the value of `const` or `default`, contains no references. */
function moveIn(keyword: string, value: JsonValue, moveOne: (value: JsonValue) => JsonValue): JsonValue {
  switch (KEYWORDS.get(keyword)) {
    case 'schema':
    case 'schemas':
    case 'items':
      return Array.isArray(value) ? value.map(moveOne) : moveOne(value);
    case 'properties':
    case 'schemaMap':
    case 'patternMap':
    case 'dependencies':
      return isJsonObject(value) ? mapValues(value, moveOne) : value;
    default:
      return value;
  }
}

const mapValues = (object: JsonObject, change: (value: JsonValue, name: string) => JsonValue): JsonObject =>
  Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, value === undefined ? value : change(value, name)] as const),
  );
