import type { JsonObject, JsonValue } from './json.js';

/** Returns the value at a JSON pointer in a fragment (RFC 6901, 6): `#` and `#/…`. Undefined if it leads nowhere. */
export function resolvePointer(root: JsonObject, reference: string): JsonValue | undefined {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let value: JsonValue | undefined = root;
  for (const part of reference.slice(2).split('/')) {
    const name = readPointerPart(part);
    if (name === undefined || typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}

/** Returns the name in one part of a JSON pointer in a fragment. Undefined for a malformed percent escape. */
export function readPointerPart(part: string): string | undefined {
  try {
    return unescapePointerPart(decodeURIComponent(part));
  } catch {
    return undefined;
  }
}

/** Returns the name in one part of a JSON pointer (RFC 6901, 3). */
export const unescapePointerPart = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');
