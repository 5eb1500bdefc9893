import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { ReferenceResolver } from './reference-resolver.js';

/**
 * Writes a discriminator as JSON Schema: each alternative requires the value of the property that selects it. Results are
 * left as they are, because they are read and not chosen.
 */
export function withChosenBranches(
  source: JsonObject,
  converted: JsonObject,
  references: ReferenceResolver,
  direction: 'input' | 'output',
): JsonObject {
  const { discriminator } = source;
  const property = isJsonObject(discriminator) ? discriminator['propertyName'] : undefined;
  if (direction === 'output' || !isJsonObject(discriminator) || typeof property !== 'string') return converted;
  const keyword = (['oneOf', 'anyOf'] as const).find((each) => Array.isArray(source[each]));
  if (keyword === undefined) return converted;
  const [from, to] = [source[keyword] as JsonValue[], converted[keyword]];
  if (!Array.isArray(to) || to.length !== from.length) return converted;
  const branches = to.map((branch, index) => {
    const names = findNames(from[index], discriminator['mapping']);
    const isOpen = names.length > 0 && !isFixed(from[index], property, references);
    return isOpen ? choose(branch, property, names) : branch;
  });
  return { ...converted, [keyword]: branches };
}

/** The values that select an alternative: those of the mapping, or else the name of its schema. */
function findNames(branch: JsonValue | undefined, mapping: JsonValue | undefined): readonly string[] {
  const reference = isJsonObject(branch) ? branch['$ref'] : undefined;
  if (typeof reference !== 'string') return [];
  const own = reference.slice(reference.lastIndexOf('/') + 1);
  const mapped = Object.entries(isJsonObject(mapping) ? mapping : {}).filter(
    ([, target]) => target === reference || target === own,
  );
  return mapped.length === 0 ? [own] : mapped.map(([name]) => name);
}

/** True when the alternative itself says which values the property has. */
function isFixed(branch: JsonValue | undefined, property: string, references: ReferenceResolver): boolean {
  const parts = new Set([references.dereference(branch)]);
  // A set yields the members that are added while it is iterated.
  for (const part of parts) {
    const properties = part?.['properties'];
    const schema = isJsonObject(properties) && Object.hasOwn(properties, property) ? properties[property] : undefined;
    const resolved = references.dereference(schema);
    if (resolved?.['const'] !== undefined || resolved?.['enum'] !== undefined) return true;
    for (const each of Array.isArray(part?.['allOf']) ? part['allOf'] : []) parts.add(references.dereference(each));
  }
  return false;
}

function choose(branch: JsonValue, property: string, names: readonly string[]): JsonValue {
  const value: JsonObject = names.length === 1 ? { const: names[0] ?? '' } : { enum: [...names] };
  const properties = isJsonObject(branch) ? branch['properties'] : undefined;
  if (!isJsonObject(branch) || !isJsonObject(properties)) {
    return { allOf: [branch, { properties: { [property]: value }, required: [property] }] };
  }
  const known = Object.hasOwn(properties, property) ? properties[property] : undefined;
  const chosen = isJsonObject(known) ? { ...known, ...value } : value;
  const required = Array.isArray(branch['required']) ? branch['required'] : [];
  return {
    ...branch,
    properties: { ...properties, [property]: chosen },
    required: required.includes(property) ? required : [...required, property],
  };
}
