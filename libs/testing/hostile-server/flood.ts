import type { Writable } from 'node:stream';
import type { Counters } from './counters.js';

const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** Writes without end, as fast as the reader reads, until the reader closes. */
export function flood(out: Writable, counters: Counters, limitBytes = Number.POSITIVE_INFINITY): void {
  let left = limitBytes;
  let closed = false;
  const pump = (): void => {
    while (!closed && left > 0) {
      left -= CHUNK.length;
      counters.flooded += CHUNK.length;
      if (!out.write(CHUNK)) return;
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
