import { isJsonObject, toPlainNumber, type JsonObject, type JsonValue } from '../json.js';

/** A tool parameter whose value is also sent in a header (specification: server/tools, x-mcp-header). */
export interface ParameterHeader {
  /** Full name, `Mcp-Param-…`, with the spelling that the tool declared. */
  readonly header: string;
  /** Property names from the arguments down to the value. */
  readonly path: readonly string[];
  readonly type: ParameterType;
}

export type ParameterType = 'string' | 'integer' | 'boolean';

const ANNOTATION = 'x-mcp-header';
const PREFIX = 'Mcp-Param-';
/** A token of usual length (RFC 9110, 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;

/** Keywords with one schema or an array of schemas. A parameter below them is not statically reachable. */
const SUBSCHEMAS: ReadonlySet<string> = new Set([
  'items',
  'prefixItems',
  'additionalItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'propertyNames',
  'oneOf',
  'anyOf',
  'allOf',
  'not',
  'if',
  'then',
  'else',
  'contentSchema',
]);

/** Keywords with schemas by name. */
const NAMED_SUBSCHEMAS: ReadonlySet<string> = new Set([
  'patternProperties',
  'dependentSchemas',
  'dependencies',
  '$defs',
  'definitions',
]);

/**
 * Finds the parameters that a tool requires to be mirrored into headers. A fault makes the whole tool definition
 * invalid; `fault` describes the first one found.
 */
export function readParameterHeaders(
  inputSchema: JsonObject,
): { readonly headers: ParameterHeader[] } | { readonly fault: string } {
  const found: ParameterHeader[] = [];
  const fault = collect(inputSchema, [], found) ?? findDuplicate(found);
  return fault === undefined ? { headers: found } : { fault };
}

function collect(schema: JsonValue | undefined, path: readonly string[], found: ParameterHeader[]): string | undefined {
  if (!isJsonObject(schema)) return undefined;
  if (schema[ANNOTATION] !== undefined) {
    const header = readAnnotation(schema, path);
    if (typeof header === 'string') return header;
    found.push(header);
  }
  const { properties } = schema;
  if (isJsonObject(properties)) {
    for (const name in properties) {
      const fault = collect(properties[name], [...path, name], found);
      if (fault !== undefined) return fault;
    }
  }
  return findMisplaced(schema, path);
}

function readAnnotation(schema: JsonObject, path: readonly string[]): ParameterHeader | string {
  const name = schema[ANNOTATION];
  const where = path.length === 0 ? 'the root' : path.join('.');
  if (path.length === 0) return `${ANNOTATION} is at the root; it belongs on a property`;
  if (typeof name !== 'string' || !TOKEN.test(name)) return `${ANNOTATION} of ${where} is not a header name`;
  const { type } = schema;
  if (type === 'string' || type === 'integer' || type === 'boolean') return { header: PREFIX + name, path, type };
  return `${ANNOTATION} of ${where} requires the type string, integer or boolean`;
}

function findMisplaced(schema: JsonObject, path: readonly string[]): string | undefined {
  if (!hasAnnotationBelow(schema)) return undefined;
  return `${ANNOTATION} is below ${path.join('.') || 'the root'}, where no chain of properties leads`;
}

/** Iterates over the keywords of the schema, which are few, instead of over all possible keywords. */
function hasAnnotationBelow(schema: JsonObject): boolean {
  for (const keyword in schema) {
    if (SUBSCHEMAS.has(keyword) && containsAnnotation(schema[keyword])) return true;
    if (NAMED_SUBSCHEMAS.has(keyword) && hasNamedAnnotation(schema[keyword])) return true;
  }
  return false;
}

function containsAnnotation(schema: JsonValue | undefined): boolean {
  if (Array.isArray(schema)) return schema.some(containsAnnotation);
  if (!isJsonObject(schema)) return false;
  return schema[ANNOTATION] !== undefined || hasNamedAnnotation(schema['properties']) || hasAnnotationBelow(schema);
}

function hasNamedAnnotation(schemas: JsonValue | undefined): boolean {
  return isJsonObject(schemas) && Object.values(schemas).some(containsAnnotation);
}

function findDuplicate(headers: readonly ParameterHeader[]): string | undefined {
  const seen = new Set<string>();
  for (const { header } of headers) {
    const name = header.toLowerCase();
    if (seen.has(name)) return `${header} is declared twice`;
    seen.add(name);
  }
  return undefined;
}

/**
 * Returns the header values of one call, by header name and not yet encoded. A value that is absent, null, or that no
 * header can carry has no header.
 */
export function mirrorParameters(
  headers: readonly ParameterHeader[],
  args: JsonObject,
): Record<string, string | number | boolean> {
  const mirrored: Record<string, string | number | boolean> = {};
  for (const { header, path } of headers) {
    const value = valueAt(args, path);
    if (isMirrored(value)) mirrored[header] = value;
  }
  return mirrored;
}

/** Returns the value at a chain of property names; only own properties count. A number counts as its value, not as its text. */
export function valueAt(args: JsonObject, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = args;
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return toPlainNumber(value);
}

/** True for values that a header can carry: strings, booleans, and numbers whose decimal form is exact. */
export function isMirrored(value: JsonValue | undefined): value is string | number | boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) || !Number.isInteger(value);
  return typeof value === 'string' || typeof value === 'boolean';
}
