import { metaOf, type McpRequest } from '#lib/mcp-protocol';

const TRACE_HEADER = 'traceparent';

/** `traceparent` of W3C Trace Context. Other texts could break the header. */
const TRACE_PARENT = /^[\da-f]{2}(?:-[\da-f]{2,32}){3}$/;

/** The trace context in `_meta`, for servers and proxies that read only the header: its name and value, or nothing. */
export function traceHeaderOf({ params }: Pick<McpRequest, 'params'>): readonly [] | readonly [string, string] {
  const { traceparent } = metaOf(params);
  return typeof traceparent === 'string' && TRACE_PARENT.test(traceparent) ? [TRACE_HEADER, traceparent] : [];
}

/** Adds the header, unless the operator or a tool has set it. */
export function withTraceHeader(headers: string[], request: Pick<McpRequest, 'params'>): string[] {
  const added = traceHeaderOf(request);
  return added.length === 0 || headers.includes(TRACE_HEADER) ? headers : [...headers, ...added];
}
