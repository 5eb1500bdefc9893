import { isJsonObject, type JsonObject, type McpRequest } from '#lib/mcp-protocol';

/** A parsed `traceparent` of W3C Trace Context. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

/** Version 00, or a later one that begins like it. An id of zeros is invalid. */
const TRACE_PARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:-|$)/;

/** Returns undefined for anything that is no valid `traceparent`. */
export function readTraceParent(text: unknown): TraceParent | undefined {
  const found = typeof text === 'string' ? TRACE_PARENT.exec(text) : null;
  if (!found) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = found;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** The `traceparent` in `_meta` of a request, whatever it is. */
export function traceparentOf({ params }: Pick<McpRequest, 'params'>): unknown {
  const { _meta: meta } = params;
  return isJsonObject(meta) ? meta['traceparent'] : undefined;
}

/** The request with another `traceparent`. The state of the other trace does not belong to it. */
export function withTraceparent<T extends McpRequest>(request: T, traceparent: string): T {
  const { _meta: meta } = request.params;
  const { tracestate: _tracestate, ...others }: JsonObject = isJsonObject(meta) ? meta : {};
  return { ...request, params: { ...request.params, _meta: { ...others, traceparent } } };
}
