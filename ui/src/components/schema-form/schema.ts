import type { JsonSchema } from '../../api/index.js';
import { isObject } from '../../values/index.js';

/** How a schema is edited. */
export type EditorKind =
  'constant' | 'choice' | 'boolean' | 'number' | 'text' | 'list' | 'object' | 'map' | 'variants' | 'json';

/** A reference leads to another one at most this often. */
const MAX_REFERENCES = 20;

/** Follows references inside the document: `#/components/schemas/Name`, `#/$defs/Name`. A part that it cannot find is any value. */
export function resolveSchema(schema: JsonSchema, document: JsonSchema): JsonSchema {
  let current = schema;
  for (let count = 0; typeof current['$ref'] === 'string'; count += 1) {
    const target = count < MAX_REFERENCES ? find(document, current['$ref']) : undefined;
    if (!target) return {};
    const { $ref: _, ...beside } = current;
    current = { ...target, ...beside };
  }
  return current;
}

function find(document: JsonSchema, reference: string): JsonSchema | undefined {
  if (!reference.startsWith('#/')) return undefined;
  const names = reference
    .slice(2)
    .split('/')
    .map((name) => decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~'));
  const found = names.reduce<unknown>((value, name) => (isObject(value) ? value[name] : undefined), document);
  return isObject(found) ? found : undefined;
}

/** Names of an object's schemas that a form shows for it, in their order. */
export function membersOf(schema: JsonSchema): readonly (readonly [string, JsonSchema])[] {
  const { properties } = schema;
  if (!isObject(properties)) return [];
  return Object.entries(properties).map(([name, member]) => [name, isObject(member) ? member : {}] as const);
}

export function requiredOf({ required }: JsonSchema): ReadonlySet<string> {
  return new Set(Array.isArray(required) ? required.filter((name) => typeof name === 'string') : []);
}

/** The alternatives of a schema. */
export function variantsOf({ oneOf, anyOf }: JsonSchema): readonly JsonSchema[] {
  const variants = Array.isArray(oneOf) ? oneOf : Array.isArray(anyOf) ? anyOf : [];
  return variants.filter(isObject);
}

export interface Choice {
  readonly value: unknown;
  readonly title: string;
}

/** The values of a schema that names all of them: `enum`, with `enumNames` if it has them, or constants with titles. */
export function choicesOf(schema: JsonSchema): readonly Choice[] | undefined {
  const { enum: values, enumNames } = schema;
  if (Array.isArray(values)) {
    const names: readonly unknown[] = Array.isArray(enumNames) ? enumNames : [];
    return values.map((value: unknown, index) => ({ value, title: String(names[index] ?? value) }));
  }
  const variants = variantsOf(schema);
  if (variants.length === 0 || !variants.every((variant) => isScalar(variant['const']))) return undefined;
  return variants.map(({ const: value, title }) => ({
    value,
    title: typeof title === 'string' ? title : String(value),
  }));
}

export function editorKind(schema: JsonSchema): EditorKind {
  if ('const' in schema) return 'constant';
  if (Array.isArray(schema['enum']) && !schema['enum'].every(isScalar)) return 'json';
  if (choicesOf(schema)) return 'choice';
  if (variantsOf(schema).length > 0) return 'variants';
  return kindOfTypes(typesOf(schema), schema);
}

function kindOfTypes(types: readonly string[], schema: JsonSchema): EditorKind {
  const [type, ...others] = types;
  if (type !== undefined && others.length > 0) return types.every(isScalarType) ? 'text' : 'json';
  if (type === 'string') return 'text';
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'boolean') return 'boolean';
  if (type === 'array') return isObject(schema['items']) ? 'list' : 'json';
  if (type !== 'object') return 'json';
  if (membersOf(schema).length > 0) return 'object';
  return isObject(schema['additionalProperties']) ? 'map' : 'json';
}

/** The types of a schema without null, which a form writes as an absent value. */
export function typesOf({ type, properties }: JsonSchema): readonly string[] {
  const implied = type === undefined && isObject(properties) ? 'object' : type;
  const types: readonly unknown[] = Array.isArray(implied) ? implied : [implied];
  return types.filter((each): each is string => typeof each === 'string' && each !== 'null');
}

/** What an alternative is called: its title, the values of its constant members, or the name of its schema. */
export function variantTitle(variant: JsonSchema, document: JsonSchema): string {
  const schema = resolveSchema(variant, document);
  if (typeof schema['title'] === 'string') return schema['title'];
  if ('const' in schema) return String(schema['const']);
  const required = requiredOf(schema);
  const fixed = membersOf(schema).map(([name, member]) =>
    fixedValues(resolveSchema(member, document), required.has(name)),
  );
  const values = fixed.find(({ length }) => length > 0);
  if (values) return values.join(' or ');
  if (typeof variant['$ref'] === 'string') return variant['$ref'].split('/').at(-1) ?? '';
  return typesOf(schema).join(' or ') || 'any value';
}

/** What can only have certain values, such as the kind of a server. */
function fixedValues(schema: JsonSchema, isRequired: boolean): readonly string[] {
  if ('const' in schema) return [String(schema['const'])];
  return isRequired && Array.isArray(schema['enum']) ? schema['enum'].map(String) : [];
}

/** The alternative that a value belongs to, by its constant members, its required members, and its type. */
export function variantIndex(value: unknown, variants: readonly JsonSchema[], document: JsonSchema): number {
  const scores = variants.map((variant) => score(value, resolveSchema(variant, document), document));
  const best = Math.max(...scores);
  return best > 0 ? scores.indexOf(best) : 0;
}

function score(value: unknown, schema: JsonSchema, document: JsonSchema): number {
  if ('const' in schema) return schema['const'] === value ? 1 : 0;
  if (!isObject(value)) return typesOf(schema).includes(jsonType(value)) ? 1 : 0;
  const members = membersOf(schema);
  const isOther = members.some(
    ([name, member]) => value[name] !== undefined && isExcluded(value[name], resolveSchema(member, document)),
  );
  if (isOther) return 0;
  const names = new Set(members.map(([name]) => name));
  return 1 + Object.keys(value).filter((name) => names.has(name)).length;
}

function isExcluded(value: unknown, schema: JsonSchema): boolean {
  if ('const' in schema) return schema['const'] !== value;
  return Array.isArray(schema['enum']) && !schema['enum'].includes(value);
}

/** The value with which a form begins: constants, defaults, and nothing else. */
export function initialValue(schema: JsonSchema, document: JsonSchema): unknown {
  const resolved = resolveSchema(schema, document);
  if ('const' in resolved) return resolved['const'];
  if ('default' in resolved) return resolved['default'];
  const required = requiredOf(resolved);
  const kind = editorKind(resolved);
  if (kind === 'variants') return initialValue(variantsOf(resolved)[0] ?? {}, document);
  if (kind === 'choice') return choicesOf(resolved)?.[0]?.value;
  if (kind !== 'object') return undefined;
  const members = membersOf(resolved)
    .filter(([name]) => required.has(name))
    .map(([name, member]) => [name, initialValue(member, document)] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(members);
}

const isScalar = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value);
const isScalarType = (type: string): boolean => ['string', 'number', 'integer', 'boolean'].includes(type);

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return value === null ? 'null' : typeof value;
}
