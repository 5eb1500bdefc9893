import type { Variables } from '#lib/config';
import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { Fault } from './registry.errors.js';

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const NAME = /^([A-Za-z_]\w*)(?::-([\s\S]*))?$/;

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every string of a parsed document, so that the value of a variable cannot
 * change the structure of the document. `$${` stands for `${`. Faults name the variable and the path, never a value.
 */
export function expandVariables(document: JsonValue, variables: Variables, faults: Fault[]): JsonValue {
  return expandAt('', document, variables, faults);
}

function expandAt(path: string, value: JsonValue, variables: Variables, faults: Fault[]): JsonValue {
  if (typeof value === 'string') return expandText(path, value, variables, faults);
  if (Array.isArray(value)) return value.map((item, index) => expandAt(`${path}[${index}]`, item, variables, faults));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]): [string, JsonValue] => [
    key,
    expandAt(path === '' ? key : `${path}.${key}`, item ?? null, variables, faults),
  ]);
  return Object.fromEntries(entries);
}

function expandText(path: string, text: string, variables: Variables, faults: Fault[]): string {
  return text.replace(REFERENCE, (whole: string, inner: string | undefined, end: string | undefined) => {
    if (inner === undefined) return '${';
    const [, name, fallback] = (end === '}' && NAME.exec(inner)) || [];
    if (name === undefined) {
      faults.push({ path, message: 'A variable reference must have the form ${NAME} or ${NAME:-default}.' });
      return whole;
    }
    const value = variables[name];
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    if (fallback === undefined) faults.push({ path, message: `The environment variable ${name} is not set.` });
    return fallback ?? '';
  });
}
