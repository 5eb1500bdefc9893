import { truncateLabel } from '../workers/index.js';

/** A URI without the parts that may contain secrets: user information, query and fragment. */
export function toSafeUri(uri: string): string {
  const path = uri.split(/[?#]/, 1)[0] ?? '';
  return truncateLabel(path.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/]*@/i, '$1'));
}

/** Version 00 of W3C Trace Context, or a later one that begins like it. An id of zeros is invalid. */
const TRACE_PARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(-|$)/;

/** Returns the trace id of a `traceparent`, or undefined. */
export function readTraceId(traceparent: unknown): string | undefined {
  return typeof traceparent === 'string' ? TRACE_PARENT.exec(traceparent)?.[1] : undefined;
}
