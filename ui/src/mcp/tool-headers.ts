import { isObject } from '../values/index.js';

const PREFIX = 'mcp-param-';

/** Plain text where a header can carry it, otherwise its Base64 form (specification 2026-07-28: Value Encoding). */
export function headerValue(text: string): string {
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(text) && !text.startsWith('=?base64?')) return text;
  const bytes = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte));
  return `=?base64?${btoa(bytes.join(''))}?=`;
}

/** The headers that mirror arguments of a tool (specification 2026-07-28: Custom Headers from Tool Parameters). */
export function toolHeaders(schema: unknown, args: unknown): Record<string, string> {
  const { properties } = isObject(schema) ? schema : {};
  if (!isObject(properties) || !isObject(args)) return {};
  const headers: Record<string, string> = {};
  for (const [name, property] of Object.entries(properties)) Object.assign(headers, headersOf(property, args[name]));
  return headers;
}

function headersOf(property: unknown, value: unknown): Record<string, string> {
  if (!isObject(property) || value === undefined || value === null) return {};
  const name = property['x-mcp-header'];
  if (typeof name !== 'string') return toolHeaders(property, value);
  if (typeof value === 'string') return { [PREFIX + name]: headerValue(value) };
  return { [PREFIX + name]: JSON.stringify(value) };
}
