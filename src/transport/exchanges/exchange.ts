import type { IncomingHttpHeaders } from 'node:http';
import type { Admitted } from '../admission.js';
import type { ReplyWriter } from '../reply-writer.js';

/** One HTTP request at an MCP endpoint, past the door. */
export interface Exchange extends Admitted {
  readonly headers: IncomingHttpHeaders;
  readonly writer: ReplyWriter;
}

/** The only value of a header; nothing when it is missing or came several times. */
export function singleHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
