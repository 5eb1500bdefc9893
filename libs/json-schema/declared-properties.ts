import { isJsonObject, resolvePointer, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { compileLinearPattern, type LinearPattern } from './linear-pattern.js';

/** The names of members that a schema declares. */
export interface DeclaredProperties {
  /** True for a name in `properties`, and for one that a pattern of `patternProperties` matches. */
  has(name: string): boolean;
  /** The schema allows any other name explicitly: `additionalProperties` is true or a schema. */
  readonly isOpen: boolean;
}

/** Keywords with one schema or several that apply to the same object. */
const APPLICATORS = ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else'] as const;

/** Maximum number of subschemas that are searched. */
const MAX_SCHEMAS = 10_000;

/** Reads which members of its object a schema declares. Throws SchemaFault for an invalid pattern. */
export function readDeclaredProperties(root: JsonObject): DeclaredProperties {
  const names = new Set<string>();
  const patterns: LinearPattern[] = [];
  let isOpen = false;
  for (const schema of findSchemasOfSameObject(root)) {
    for (const name of keysOf(schema['properties'])) names.add(name);
    for (const pattern of keysOf(schema['patternProperties'])) patterns.push(compileLinearPattern(pattern));
    isOpen ||= isPermission(schema['additionalProperties']) || isPermission(schema['unevaluatedProperties']);
  }
  return { has: (name) => names.has(name) || patterns.some((pattern) => pattern.test(name)), isOpen };
}

function findSchemasOfSameObject(root: JsonObject): ReadonlySet<JsonObject> {
  const found = new Set([root]);
  // A set yields the members that are added while it is iterated.
  for (const schema of found) {
    const { $ref: reference } = schema;
    const referred = typeof reference === 'string' ? resolvePointer(root, reference) : undefined;
    const { dependentSchemas: dependent } = schema;
    const below = [
      ...APPLICATORS.flatMap((keyword) => schema[keyword]),
      ...(isJsonObject(dependent) ? Object.values(dependent) : []),
    ];
    for (const each of [referred, ...below]) if (isJsonObject(each) && found.size < MAX_SCHEMAS) found.add(each);
  }
  return found;
}

const keysOf = (value: JsonValue | undefined): string[] => (isJsonObject(value) ? Object.keys(value) : []);

const isPermission = (value: JsonValue | undefined): boolean => value === true || isJsonObject(value);
