import { metaOf, type JsonObject } from '#lib/mcp-protocol';

/** A message that can carry a trace context. */
interface TracedMessage {
  readonly params: JsonObject;
}

/** A parsed `traceparent` of W3C Trace Context. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

/** Version 00, or a later one that begins like it. An id of zeros is invalid. */
const TRACE_PARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:-|$)/;

const SAMPLED = 1;

/** Returns undefined for anything that is no valid `traceparent`. */
export function readTraceParent(text: unknown): TraceParent | undefined {
  const found = typeof text === 'string' ? TRACE_PARENT.exec(text) : null;
  if (!found) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = found;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/** True if the spans of the trace are exported (W3C Trace Context, section 3.2.2.5.1). */
export const isSampled = ({ flags }: TraceParent): boolean => (flags & SAMPLED) !== 0;

/** The `traceparent` in `_meta` of a message, whatever it is. */
export const traceparentOf = ({ params }: TracedMessage): unknown => metaOf(params)['traceparent'];

/** The message with another `traceparent`. The state of the other trace does not belong to it. */
export function withTraceparent<T extends TracedMessage>(message: T, traceparent: string): T {
  const { tracestate: _tracestate, ...others } = metaOf(message.params);
  return { ...message, params: { ...message.params, _meta: { ...others, traceparent } } };
}
