import { isJsonObject, toPlainNumber, type JsonValue } from './json.js';

/**
 * Writes a value as a canonical text: equal values have equal texts, whatever the order of their members. Members are
 * ordered as in RFC 8785; numbers are written as JavaScript does, except integers that a double
 * cannot hold.
 */
export function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(toPlainNumber(value));
  const members = Object.keys(value)
    .toSorted()
    .flatMap((key) => {
      const member = value[key];
      return member === undefined ? [] : [`${JSON.stringify(key)}:${canonicalJson(member)}`];
    });
  return `{${members.join(',')}}`;
}
