import { isJsonObject, isToken, type JsonValue } from '#lib/mcp-protocol';
import { isSettableHeader } from './entry-rules.js';
import { withoutUndefined, readEntry } from './read-entry.js';
import type { Fault } from './registry.errors.js';
import { FormFieldEntry, RequestBodyEntry, RestParameterEntry } from './rest-tool-entries.js';
import { STYLES_OF_PLACE, type RestParameter, type RestRequestBody } from './rest-tool.js';

const PLACEHOLDER = /\{([^}]+)\}/g;

/** Reads `parameters` of a tool. `path`: the tool's path, whose placeholders name arguments. */
export function readParameters(
  value: JsonValue | undefined,
  toolPath: string,
  at: string,
  faults: Fault[],
): Record<string, RestParameter> | undefined {
  const placeholders = new Set(Array.from(toolPath.matchAll(PLACEHOLDER), ([, name]) => name));
  return readMap(value, at, faults, (name, item, path) => {
    const entry = readEntry(RestParameterEntry, item, path, faults);
    if (entry === undefined) return undefined;
    const fault = findParameterFault(name, entry, placeholders);
    if (fault !== undefined) faults.push({ path, message: fault });
    return fault === undefined ? { ...withoutUndefined(entry), in: entry.in } : undefined;
  });
}

function findParameterFault(
  argument: string,
  { in: place, name = argument, style }: RestParameterEntry,
  placeholders: ReadonlySet<string | undefined>,
): string | undefined {
  if (style !== undefined && !STYLES_OF_PLACE[place].includes(style)) {
    const styles = STYLES_OF_PLACE[place].join(', ');
    return styles === ''
      ? 'A member of the body has no style.'
      : `The style of a ${place} parameter must be ${styles}.`;
  }
  if (place === 'path' && !placeholders.has(argument)) return `The path of the tool must contain {${argument}}.`;
  if (place === 'header' && !isSettableHeader(name)) {
    return 'The name must be that of a header which the gateway does not set itself (host, accept, content-*, mcp-*, …).';
  }
  if (place === 'cookie' && !isToken(name)) return 'The name cannot be the name of a cookie.';
  return undefined;
}

/** Reads `requestBody` of a tool. */
export function readRequestBody(
  value: JsonValue | undefined,
  at: string,
  faults: Fault[],
): RestRequestBody | undefined {
  if (value === undefined || value === null) return undefined;
  const entry = readEntry(RequestBodyEntry, value, at, faults);
  if (entry === undefined) return undefined;
  const fields = readMap(entry.fields as JsonValue | undefined, `${at}.fields`, faults, (_name, item, path) => {
    const field = readEntry(FormFieldEntry, item, path, faults);
    return field && withoutUndefined(field);
  });
  const { contentType, argument, required, base64 } = entry;
  return withoutUndefined({ contentType, argument, required, base64, fields });
}

function readMap<T>(
  value: JsonValue | undefined,
  at: string,
  faults: Fault[],
  read: (name: string, item: JsonValue, path: string) => T | undefined,
): Record<string, T> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) {
    faults.push({ path: at, message: 'must be a mapping.' });
    return undefined;
  }
  const items = Object.entries(value).flatMap(([name, item]): [string, T][] => {
    const result = read(name, item ?? null, `${at}.${name}`);
    return result === undefined ? [] : [[name, result]];
  });
  return Object.fromEntries(items);
}
