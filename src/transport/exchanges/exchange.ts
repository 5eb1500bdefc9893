import type { IncomingHttpHeaders } from 'node:http';
import type { Admitted } from '../admission.js';
import type { ReplyWriter } from '../reply-writer.js';

/** One admitted HTTP request at an MCP endpoint. */
export interface Exchange extends Admitted {
  readonly headers: IncomingHttpHeaders;
  readonly writer: ReplyWriter;
}

/** Returns the value of a header, or undefined when it is missing or repeated. */
export function singleHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
