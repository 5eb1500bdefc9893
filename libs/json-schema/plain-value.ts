import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/**
 * Replaces integers that keep their digits by the nearest numbers, for validation only. Returns the same value if it has none.
 */
export function toPlainValue(value: JsonValue): JsonValue {
  return isPlain(value) ? value : convert(value);
}

/** Most values are, so this allocates little. */
function isPlain(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isPlain);
  if (!isJsonObject(value)) return false;
  return Object.keys(value).every((name) => isPlain(value[name] ?? null));
}

function convert(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(convert);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  return isJsonObject(value) ? toPlainObject(value) : Number(JSON.stringify(value));
}

function toPlainObject(value: JsonObject): JsonObject {
  let plain: [string, JsonValue | undefined][] | undefined;
  const entries = Object.entries(value);
  entries.forEach(([name, member], index) => {
    const after = member === undefined ? member : convert(member);
    if (after === member) return;
    plain ??= [...entries];
    plain[index] = [name, after];
  });
  return plain === undefined ? value : Object.fromEntries(plain);
}
