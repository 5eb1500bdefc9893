import type { IncomingHttpHeaders } from 'node:http';
import type { Admitted } from '../admission.js';
import type { ReplyWriter } from '../reply-writer.js';

/** How a request reached this worker, for its record. */
export interface Arrival {
  /** Monotonic time, in milliseconds. */
  readonly receivedAt: number;
  /** Length of the body. Absent: unknown. */
  readonly bytesIn?: number | undefined;
  /** The header of that name. */
  readonly traceparent?: string | undefined;
  /** Id of the worker that forwarded the message. */
  readonly forwardedFrom?: string;
}

/** An admitted message, which the client sent to this worker or to another one. */
export interface Received extends Admitted {
  readonly arrival: Arrival;
}

/** One admitted HTTP request at an MCP endpoint. */
export interface Exchange extends Received {
  readonly headers: IncomingHttpHeaders;
  readonly writer: ReplyWriter;
}

/** Returns the value of a header, or undefined when it is missing or repeated. */
export function singleHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
