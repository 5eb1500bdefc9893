import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/** Keywords whose value is a schema or a list of schemas of which some may fail without failing the whole. */
const ALTERNATIVES = ['anyOf', 'oneOf', 'not', 'if', 'contains'];
/** Other keywords whose value is a schema or a list of schemas. */
const PARTS = [
  'allOf',
  'then',
  'else',
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
];
/** Keywords whose value maps names to schemas. */
const MAPS = ['properties', 'patternProperties', 'dependentSchemas', 'dependencies'];
/** Keywords whose value maps names to schemas that apply only where something refers to them. */
const DEFINITIONS = ['$defs', 'definitions'];

/** Returns the schemas directly below a schema, except those that apply only where something refers to them. */
export function subschemasOf(schema: JsonObject): JsonObject[] {
  const single = [...ALTERNATIVES, ...PARTS].flatMap((keyword) => schema[keyword]);
  const named = MAPS.flatMap((keyword) => (isJsonObject(schema[keyword]) ? Object.values(schema[keyword]) : []));
  return [...single, ...named].filter((each): each is JsonObject => isJsonObject(each));
}

/** Replaces a schema and, below it, every schema, by what the function adds to each. */
export function mapSchemas(
  schema: JsonObject,
  add: (schema: JsonObject, isAlternative: boolean) => JsonObject,
  isAlternative = false,
): JsonObject {
  const mapped: Record<string, JsonValue | undefined> = { ...add(schema, isAlternative) };
  const toSchema = (value: JsonValue | undefined, isBelowAlternative: boolean): JsonValue | undefined =>
    isJsonObject(value) ? mapSchemas(value, add, isBelowAlternative) : value;
  const toSchemas = (value: JsonValue | undefined, isBelowAlternative: boolean): JsonValue | undefined =>
    Array.isArray(value)
      ? value.map((item) => toSchema(item, isBelowAlternative) ?? null)
      : toSchema(value, isBelowAlternative);
  for (const keyword of [...ALTERNATIVES, ...PARTS]) {
    if (Object.hasOwn(schema, keyword)) mapped[keyword] = toSchemas(schema[keyword], ALTERNATIVES.includes(keyword));
  }
  for (const keyword of [...MAPS, ...DEFINITIONS]) {
    const map = schema[keyword];
    if (!isJsonObject(map)) continue;
    mapped[keyword] = Object.fromEntries(Object.entries(map).map(([name, value]) => [name, toSchema(value, false)]));
  }
  return mapped;
}
