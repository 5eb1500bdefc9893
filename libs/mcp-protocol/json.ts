/** A JSON value as RFC 8259 defines it. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** A JSON object. Values may be absent, never `undefined` on the wire. */
export interface JsonObject {
  [key: string]: JsonValue | undefined;
}

/** ECMAScript's "JSON.parse source text access", which the compiler's libraries do not describe yet. */
interface RawJson {
  rawJSON(text: string): JsonObject;
  isRawJSON(value: unknown): boolean;
}
const rawJson = JSON as JSON & RawJson;

/** True for a JSON object; false for arrays, null, primitives, and integers from `rawInteger`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !rawJson.isRawJSON(value);
}

/** Returns an integer that a double cannot represent; serialized, it has the given digits. It is not a JsonObject. */
export function rawInteger(digits: string): JsonValue {
  return rawJson.rawJSON(digits);
}

/** Returns the number that a JSON number stands for, as a double; undefined for any other value. */
export function toNumber(value: JsonValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  return rawJson.isRawJSON(value) ? Number((value as unknown as { rawJSON: string }).rawJSON) : undefined;
}
