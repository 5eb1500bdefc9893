import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#lib/time';
import { closeUnlessReceived } from './lingering-close.js';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';

/** Request headers of MCP clients and of clients of the admin API, besides those that every page may send. */
const REQUEST_HEADERS: readonly string[] = [
  'Authorization',
  'Content-Type',
  'Accept',
  'Last-Event-ID',
  'Mcp-Session-Id',
  'Mcp-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'If-Match',
  'If-None-Match',
  'Idempotency-Key',
];

/** Response headers that such clients read, besides those that every page can read. */
const EXPOSED_HEADERS = [
  'Mcp-Session-Id',
  'Mcp-Protocol-Version',
  'WWW-Authenticate',
  'Retry-After',
  'ETag',
  'Location',
  'Allow',
  'Content-Disposition',
  'Idempotency-Replayed',
].join(', ');

/** Tools name headers of their own: Mcp-Param-… (specification 2026: basic/transports/streamable-http). */
const PROTOCOL_HEADER = /^mcp-[\w.-]+$/i;

/** How long a browser may keep the answer of a preflight: the longest time that Chromium accepts. */
const PREFLIGHT_TTL_SECONDS = '7200';

/**
 * Permits the page of an allowed origin to read the response. The headers are set on the response itself, because most
 * responses are written past the framework: refusals, JSON-RPC and event streams.
 */
export function shareResponse(response: ServerResponse, origin: string): void {
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
}

/** A stored response for one origin must not answer another one. The response to a POST is never stored. */
export function varyByOrigin({ method }: IncomingMessage, response: ServerResponse, origin: string | undefined): void {
  if (origin !== undefined || method !== 'POST') response.setHeader('vary', 'Origin');
}

/** Answers the OPTIONS request with which a browser asks whether a page may send a request (Fetch Standard, CORS-preflight). */
export function answerPreflight(request: IncomingMessage, response: ServerResponse, clock: Clock): void {
  response.writeHead(204, {
    ...closeUnlessReceived(request, clock),
    'access-control-allow-methods': METHODS,
    'access-control-allow-headers': allowedHeaders(request.headers['access-control-request-headers']),
    'access-control-max-age': PREFLIGHT_TTL_SECONDS,
  });
  response.end();
}

function allowedHeaders(requested = ''): string {
  const named = requested.split(',').map((name) => name.trim());
  const known = new Set(REQUEST_HEADERS.map((name) => name.toLowerCase()));
  const ofTools = named.filter((name) => PROTOCOL_HEADER.test(name) && !known.has(name.toLowerCase()));
  return [...REQUEST_HEADERS, ...ofTools].join(', ');
}
