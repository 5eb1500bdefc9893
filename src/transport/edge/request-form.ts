import type { IncomingMessage } from 'node:http';
import { GatewayError } from '#lib/extension-kit';
import { RpcCode } from '#lib/mcp-protocol';

/** The HTTP request contradicts itself or its target is not served: 400, 405, 417, 421 or 431. Nothing was executed. */
export class MalformedRequest extends GatewayError {
  constructor(
    message: string,
    status = 400,
    /** Response headers that belong to the status, such as Allow. */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(RpcCode.invalidRequest, message, status, { outcome: 'not_executed', retriable: false });
  }
}

type RequestHead = Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'httpVersion' | 'url'>;

/** More than any client sends. Node discards the headers beyond 2,000, and with them a repetition. */
const MAX_HEADERS = 200;

const SLASH = 0x2f;

/** Headers that must not occur twice: a proxy may decide by the first of two values and the gateway by the other. */
const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'expect',
  'origin',
  'last-event-id',
  'idempotency-key',
  'if-match',
]);

/** Headers of the protocol: Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name and Mcp-Param-…. */
const PROTOCOL_PREFIX = 'mcp-';

/**
 * Returns the contradiction in the head of a request, or undefined. Reads the lines as they were sent, because Node joins
 * or drops the values of a repeated header.
 */
export function findContradiction(request: RequestHead): MalformedRequest | undefined {
  const { headers, rawHeaders, url = '' } = request;
  if (rawHeaders.length > 2 * MAX_HEADERS) {
    return new MalformedRequest(`The request has more than ${MAX_HEADERS} headers. Send fewer.`, 431);
  }
  // As many lines as names: no header is repeated.
  if (rawHeaders.length !== 2 * Object.keys(headers).length) {
    const repeated = findRepeatedHeader(rawHeaders);
    if (repeated !== undefined) return repetitionOf(repeated);
  }
  if (headers.host === undefined && request.httpVersion !== '1.0') {
    return new MalformedRequest('The Host header is missing. Send it with the host of the URL.');
  }
  return url.charCodeAt(0) === SLASH ? undefined : findTargetFault(url, headers.host ?? '');
}

function findRepeatedHeader(rawHeaders: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (!SINGLE_HEADERS.has(name) && !name.startsWith(PROTOCOL_PREFIX)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

function repetitionOf(name: string): MalformedRequest {
  const shown = name.slice(0, 64);
  return new MalformedRequest(`The header ${shown} occurs more than once. Send it once.`);
}

/** A request target with scheme and authority, as clients send it to a proxy (RFC 9112, 3.2.2). */
const ABSOLUTE_TARGET = /^(https?):\/\/([^/?#]+)(.*)$/is;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: ':80', https: ':443' };

function findTargetFault(target: string, host: string): MalformedRequest | undefined {
  const [, scheme, authority = ''] = ABSOLUTE_TARGET.exec(target) ?? [];
  if (scheme === undefined) {
    return new MalformedRequest('The request target is not a path. Send the path and query of the URL.');
  }
  if (authority.includes('@')) {
    return new MalformedRequest('The request target contains credentials. Send them in the Authorization header.');
  }
  if (toCanonicalAuthority(scheme, authority) === toCanonicalAuthority(scheme, host)) return undefined;
  const message = 'The request target names another host than the Host header. Send the same host in both.';
  return new MalformedRequest(message, 421);
}

function toCanonicalAuthority(scheme: string, authority: string): string {
  const port = DEFAULT_PORTS[scheme.toLowerCase()] ?? '';
  const name = authority.toLowerCase();
  return name.endsWith(port) ? name.slice(0, -port.length) : name;
}

/** Returns the path and query of a request target, which every later check compares (RFC 9112, 3.2.1). */
export function toOriginForm(target: string): string {
  if (target.charCodeAt(0) === SLASH) return target;
  const rest = ABSOLUTE_TARGET.exec(target)?.[3] ?? '';
  return rest.charCodeAt(0) === SLASH ? rest : `/${rest}`;
}
