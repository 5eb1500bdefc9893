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

/** True for a JSON object, false for arrays, null and primitives, and for an integer that keeps its digits. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !rawJson.isRawJSON(value);
}

/** A number that cannot be held exactly: written out it has the digits it was read with. It is no JsonObject. */
export function rawInteger(digits: string): JsonValue {
  return rawJson.rawJSON(digits);
}
