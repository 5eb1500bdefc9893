import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';

/**
 * Replaces integers that keep their digits by the nearest numbers, for validation only. Returns the same value if it has none.
 */
export function toPlainValue(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(toPlainValue);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  return isJsonObject(value) ? toPlainObject(value) : Number(JSON.stringify(value));
}

function toPlainObject(value: JsonObject): JsonObject {
  let plain: [string, JsonValue | undefined][] | undefined;
  const entries = Object.entries(value);
  entries.forEach(([name, member], index) => {
    const after = member === undefined ? member : toPlainValue(member);
    if (after === member) return;
    plain ??= [...entries];
    plain[index] = [name, after];
  });
  return plain === undefined ? value : Object.fromEntries(plain);
}
