import type { Writable } from 'node:stream';
import type { Counters } from './counters.js';

const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** Lines of an event stream that never become a message. */
const COMMENTS = Buffer.from(': still here\n\nid: 7\nretry: 100\n\n'.repeat(2_048));

export const floodComments = (out: Writable, counters: Counters): void =>
  flood(out, counters, Number.POSITIVE_INFINITY, COMMENTS);

/** Writes without end, as fast as the reader reads, until the reader closes. */
export function flood(out: Writable, counters: Counters, limitBytes = Number.POSITIVE_INFINITY, chunk = CHUNK): void {
  let left = limitBytes;
  let closed = false;
  const pump = (): void => {
    while (!closed && left > 0) {
      left -= chunk.length;
      counters.flooded += chunk.length;
      if (!out.write(chunk)) return;
    }
    if (!closed) out.end('"}]}}');
  };
  out.on('drain', pump);
  out.once('close', () => {
    closed = true;
    counters.abandoned += 1;
  });
  pump();
}

/** Larger than any client should accept for one answer. */
export const BIG_ANSWER_BYTES = 24 * 1024 * 1024;

/** The beginning of a valid answer whose text never ends. */
export const floodPrefix = (id: string | number): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"resultType":"complete","content":[{"type":"text","text":"`;
