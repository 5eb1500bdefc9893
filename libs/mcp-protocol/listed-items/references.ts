import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import { resolvePointer } from '../json-pointer.js';
import type { RepairedSchema } from './schema-repair.js';

/**
 * True if every reference within a repaired schema leads to one of its schemas, so that clients can compile it. A validator
 * throws at any other, and at a chain of references that leads back to its start.
 */
export function isResolvable(
  root: JsonObject,
  { schemas, hasInnerBase }: Pick<RepairedSchema, 'schemas' | 'hasInnerBase'>,
): boolean {
  const anchors = new Map<string, JsonObject>();
  const references: JsonObject[] = [];
  for (const schema of schemas) {
    if (!isJsonObject(schema)) continue;
    for (const name of [schema['$anchor'], schema['$dynamicAnchor']]) {
      if (typeof name !== 'string') continue;
      if (anchors.has(name)) return false;
      anchors.set(name, schema);
    }
    if (schema['$ref'] !== undefined || schema['$dynamicRef'] !== undefined) references.push(schema);
  }
  if (references.length === 0) return true;
  if (hasInnerBase) return false;
  const find = (reference: JsonValue | undefined): JsonValue | undefined => {
    if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined;
    const target = anchors.get(reference.slice(1)) ?? resolvePointer(root, reference);
    return typeof target === 'boolean' || (target !== undefined && schemas.has(target)) ? target : undefined;
  };
  return references.every((schema) => leadsToSchema(schema, find));
}

function leadsToSchema(start: JsonObject, find: (reference: JsonValue | undefined) => JsonValue | undefined): boolean {
  const { $dynamicRef: dynamic } = start;
  if (dynamic !== undefined && find(dynamic) === undefined) return false;
  const passed = new Set<JsonValue>();
  let schema: JsonValue | undefined = start;
  while (isJsonObject(schema) && schema['$ref'] !== undefined) {
    if (passed.has(schema)) return false;
    passed.add(schema);
    schema = find(schema['$ref']);
  }
  return schema !== undefined;
}
