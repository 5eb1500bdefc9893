import fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

const MAX_DEPTH = 6;

/** Returns a value that a JSON Schema accepts, as far as simple rules find one. `$ref` leads to `$defs` of the root. */
export function sampleOf(schema: JsonValue | undefined, root: JsonObject, depth = 0): JsonValue {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return 'x';
  const { $ref, type, allOf, anyOf, oneOf, enum: values } = schema;
  if (typeof $ref === 'string')
    return sampleOf((root['$defs'] as JsonObject)[$ref.slice('#/$defs/'.length)], root, depth);
  if (schema['const'] !== undefined) return schema['const'];
  if (Array.isArray(values)) return values[0] ?? null;
  const choice = [anyOf, oneOf].find((each) => Array.isArray(each))?.[0];
  if (choice !== undefined && type === undefined) return sampleOf(choice, root, depth + 1);
  const chosen = [type].flat()[0] ?? (schema['properties'] || allOf ? 'object' : schema['items'] ? 'array' : 'string');
  if (chosen === 'object') return sampleObject(schema, root, depth);
  if (chosen === 'array')
    return Array.from({ length: Number(schema['minItems'] ?? 1) }, () =>
      sampleOf(schema['items'] ?? {}, root, depth + 1),
    );
  if (chosen === 'string') return sampleText(schema);
  if (chosen === 'boolean') return true;
  return chosen === 'null' ? null : sampleNumber(schema);
}

function sampleObject(schema: JsonObject, root: JsonObject, depth: number): JsonObject {
  const parts = (Array.isArray(schema['allOf']) ? schema['allOf'] : []).map((part) => sampleOf(part, root, depth + 1));
  const properties = (schema['properties'] ?? {}) as JsonObject;
  const required = (Array.isArray(schema['required']) ? schema['required'] : []) as string[];
  const own = required.map((name) => [name, sampleOf(properties[name], root, depth + 1)] as const);
  return Object.assign({}, ...parts.filter(isJsonObject), Object.fromEntries(own)) as JsonObject;
}

function sampleText({ pattern, minLength = 1, maxLength, contentEncoding, format }: JsonObject): string {
  if (typeof pattern === 'string')
    return fc.sample(fc.stringMatching(new RegExp(pattern)), { seed: 1, numRuns: 1 })[0] ?? '';
  if (contentEncoding === 'base64') return 'aGVsbG8=';
  if (format === 'date-time') return '2020-01-01T00:00:00Z';
  return 'sample value äöü'.slice(0, Number(maxLength ?? 16)).padEnd(Number(minLength), 'x');
}

function sampleNumber({ minimum, exclusiveMinimum, maximum, multipleOf }: JsonObject): number {
  const least = Number(minimum ?? (exclusiveMinimum === undefined ? 1 : Number(exclusiveMinimum) + 1));
  return Number(multipleOf ?? Math.min(least, Number(maximum ?? least)));
}

/** Returns arguments for a tool: those that are required, and every further one that is a single value. */
export function sampleArguments(inputSchema: JsonObject): JsonObject {
  const properties = Object.entries((inputSchema['properties'] ?? {}) as JsonObject);
  const required = new Set((inputSchema['required'] ?? []) as string[]);
  const isSimple = (schema: JsonValue | undefined): boolean =>
    isJsonObject(schema) && ['string', 'integer', 'boolean'].includes(schema['type'] as string);
  const simple = properties.filter(([, schema]) => isSimple(schema)).map(([name]) => name);
  const dependent = (inputSchema['dependentRequired'] ?? {}) as Record<string, string[]>;
  for (const name of [...simple, ...required]) for (const other of dependent[name] ?? []) required.add(other);
  const chosen = properties.filter(([name]) => required.has(name) || simple.includes(name));
  return Object.fromEntries(chosen.map(([name, schema]) => [name, sampleOf(schema, inputSchema)]));
}
