/** A JSON value as RFC 8259 defines it. */
export type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject;

/** A JSON object. Values may be absent, never `undefined` on the wire. */
export interface JsonObject {
  [key: string]: JsonValue | undefined;
}

/** True for a JSON object, false for arrays, null and primitives. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
