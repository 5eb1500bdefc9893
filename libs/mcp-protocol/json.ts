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

/** True for a JSON object; false for arrays, null, primitives, and numbers from `rawNumber`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !rawJson.isRawJSON(value);
}

/** Returns a number that keeps its text when it is serialized. It is not a JsonObject. */
export function rawNumber(text: string): JsonValue {
  return rawJson.rawJSON(text);
}

/** Returns the number that a JSON number stands for, as a double; undefined for any other value. */
export function toNumber(value: JsonValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  return rawJson.isRawJSON(value) ? Number((value as unknown as { rawJSON: string }).rawJSON) : undefined;
}

/** Returns a number that keeps its text as a double, unless it is an integer that a double cannot hold; else the same value. */
export function toPlainNumber(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value !== 'object' || !rawJson.isRawJSON(value)) return value;
  const number = toNumber(value) ?? 0;
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? value : number;
}

/** Returns the arguments for code that computes with their numbers: the same object if none keeps its text. */
export function withPlainNumbers(args: JsonObject): JsonObject {
  return convert(args) as JsonObject;
}

function convert(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => convert(item) ?? null);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isJsonObject(value)) return toPlainNumber(value);
  const entries = Object.entries(value).map(([name, member]) => [name, convert(member)] as const);
  return entries.every(([name, member]) => member === value[name]) ? value : Object.fromEntries(entries);
}
