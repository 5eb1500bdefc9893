import { encodeHeaderValue, failure, RpcCode, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import type { UpstreamRequest } from '../../upstream-connection.js';
import { withTraceHeader } from '../trace-header.js';

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

/**
 * Maximum length of a header that mirrors a part of a request, in bytes. Most servers refuse longer lines, or a total of
 * about twice this length, with 431.
 */
const MAX_MIRRORED_LENGTH = 8_000;

/** Returns the error for a request with a part that is too long for its header, or undefined. */
export function findOversizedHeader(request: UpstreamRequest): Outcome | undefined {
  const name = targetOf(request.method, request.params);
  if (name !== undefined && isOversized(name)) return tooLong(`params.${TARGET_PARAMS[request.method]}`);
  const parameters = Object.entries(request.parameterHeaders ?? {});
  const oversized = parameters.find(([, value]) => typeof value === 'string' && isOversized(value));
  return oversized && tooLong(`The argument that is repeated in the header ${oversized[0]}`);
}

const isOversized = (text: string): boolean =>
  text.length > MAX_MIRRORED_LENGTH / MAX_ENCODED_BYTES && encodeHeaderValue(text).length > MAX_MIRRORED_LENGTH;

/** Bytes of one UTF-16 code unit in a header: at most three in UTF-8, and four for every three in Base64. */
const MAX_ENCODED_BYTES = 4;

const tooLong = (part: string): Outcome =>
  failure({ code: RpcCode.invalidParams, message: `${part} is longer than the server can receive in a header.` });

/** Adds the headers that mirror one request. */
export function mirroredHeaders(base: readonly string[], request: UpstreamRequest): string[] {
  const headers = withTraceHeader(base.slice(), request);
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
