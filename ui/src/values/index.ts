export interface JsonObject {
  readonly [member: string]: unknown;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A text, or an empty one for any other value. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The texts of a list, or none for any other value. */
export const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];

/** The objects of a list, or none for any other value. */
export const objectsOf = (value: unknown): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

/** Undefined for a text that is no JSON object. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @throws Error for a text that is no JSON object */
export function requireObject(text: string, what: string): JsonObject {
  const value = parseObject(text);
  if (!value) throw new Error(`${what}: write a JSON object, such as {"amount": 5}.`);
  return value;
}
