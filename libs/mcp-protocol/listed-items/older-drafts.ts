import { isJsonObject, toNumber, type JsonObject, type JsonValue } from '../json.js';

const EARLY_DRAFT = /^https?:\/\/json-schema\.org\/(draft-0[0-5]\/|schema)/;
/** Dialects in which `items` may be a list of schemas. */
const TUPLE_DIALECT = /\/(draft-0[67]|draft\/2019-09)\//;

/** True if the schema declares a dialect in which `items` may be a list of schemas. */
export const usesTuples = ({ $schema: dialect }: JsonObject): boolean =>
  typeof dialect === 'string' && TUPLE_DIALECT.test(dialect);

/**
 * Returns the schema with the keywords of drafts 3 and 4 in their form of draft 6 and later, and a list of `items` in its form
 * of 2020-12; the same object if it contains none. Converts one level.
 */
export function convertOlderDrafts(
  schema: JsonObject,
  hasTuples: boolean,
  onChange: (keyword: string) => void,
): JsonObject {
  let converted = schema;
  const change = (keyword: string, members: JsonObject) => {
    converted = { ...converted, ...members };
    for (const member in members) if (members[member] === undefined) delete converted[member];
    onChange(keyword);
  };
  const { $schema: dialect, exclusiveMinimum, exclusiveMaximum, items, properties, required } = schema;
  if (typeof dialect === 'string' && EARLY_DRAFT.test(dialect)) change('$schema', { $schema: undefined });
  if (typeof exclusiveMinimum === 'boolean')
    change('exclusiveMinimum', toExclusive('minimum', exclusiveMinimum, schema['minimum']));
  if (typeof exclusiveMaximum === 'boolean')
    change('exclusiveMaximum', toExclusive('maximum', exclusiveMaximum, schema['maximum']));
  if (Array.isArray(items) && !hasTuples) change('items', toPrefixItems(items, schema));
  const names = isJsonObject(properties) ? findRequired(properties) : undefined;
  if (names) change('required', { required: [...(Array.isArray(required) ? required : []), ...names] });
  return converted;
}

/**
 * A list of `items` shows that `additionalItems` counts, which 2020-12 does not know. Beside `prefixItems` it has no meaning,
 * and an empty one is the empty map of some languages.
 */
function toPrefixItems(items: JsonValue[], schema: JsonObject): JsonObject {
  if (Array.isArray(schema['prefixItems'])) return { items: undefined };
  if (items.length === 0) return { items: {} };
  return { prefixItems: items, items: schema['additionalItems'], additionalItems: undefined };
}

function toExclusive(bound: 'minimum' | 'maximum', isExclusive: boolean, value: JsonValue | undefined): JsonObject {
  const keyword = bound === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum';
  if (!isExclusive || toNumber(value) === undefined) return { [keyword]: undefined };
  return { [keyword]: value, [bound]: undefined };
}

/** The properties that are marked with `required: true`, as in draft 3. */
function findRequired(properties: JsonObject): string[] | undefined {
  let names: string[] | undefined;
  for (const name in properties) {
    const property = properties[name];
    if (isJsonObject(property) && property['required'] === true) (names ??= []).push(name);
  }
  return names;
}
