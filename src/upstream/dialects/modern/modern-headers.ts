import { encodeHeaderValue, type JsonObject } from '#lib/mcp-protocol';
import type { UpstreamRequest } from '../../upstream-connection.js';

/** Methods whose target is repeated in a header, and the param that holds it (basic/transports/streamable-http). */
const TARGET_PARAMS: Readonly<Record<string, string | undefined>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/** Returns the headers of every request to a modern server, without those that mirror the request. */
export function modernHeaders(own: readonly string[], revision: string): string[] {
  return [
    ...own,
    'accept',
    'application/json, text/event-stream',
    'content-type',
    'application/json',
    'mcp-protocol-version',
    revision,
  ];
}

/** Adds the headers that mirror one request. */
export function mirroredHeaders(base: readonly string[], request: UpstreamRequest): string[] {
  const headers = base.slice();
  headers.push('mcp-method', request.method);
  const name = targetOf(request.method, request.params);
  if (name !== undefined) headers.push('mcp-name', encodeHeaderValue(name));
  if (request.parameterHeaders === undefined) return headers;
  for (const [header, value] of Object.entries(request.parameterHeaders)) {
    headers.push(header, encodeHeaderValue(String(value)));
  }
  return headers;
}

function targetOf(method: string, params: JsonObject): string | undefined {
  const member = TARGET_PARAMS[method];
  const target = member === undefined ? undefined : params[member];
  return typeof target === 'string' ? target : undefined;
}
