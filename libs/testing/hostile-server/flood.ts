import type { Writable } from 'node:stream';
import type { Counters } from './counters.js';

const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** Writes for ever, at the reader's pace, until the other side closes. */
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

/** More than any client should take for one answer. */
export const BIG_ANSWER_BYTES = 24 * 1024 * 1024;

/** How a perfect answer begins whose text then never ends. */
export const floodPrefix = (id: string | number): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"resultType":"complete","content":[{"type":"text","text":"`;
