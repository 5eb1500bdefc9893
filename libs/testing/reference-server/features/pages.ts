import { INVALID_PARAMS, ProtocolFailure } from './feature.js';

export interface Page<T> {
  items: T[];
  nextCursor?: string;
}

/** Returns one page of a list. Throws for a cursor that this server did not create. */
export function pageOf<T>(items: T[], cursor: string | undefined, pageSize: number): Page<T> {
  const start = cursor === undefined ? 0 : offsetOf(cursor, items.length);
  const end = start + pageSize;
  const page = items.slice(start, end);
  return end < items.length ? { items: page, nextCursor: cursorAt(end) } : { items: page };
}

function cursorAt(offset: number): string {
  return Buffer.from(`from:${offset}`).toString('base64url');
}

function offsetOf(cursor: string, length: number): number {
  const match = /^from:(\d{1,6})$/.exec(Buffer.from(cursor, 'base64url').toString());
  const offset = Number(match?.[1] ?? Number.NaN);
  if (!(offset >= 0 && offset <= length)) throw new ProtocolFailure(INVALID_PARAMS, 'Invalid cursor');
  return offset;
}
