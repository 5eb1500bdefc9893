import type { JsonValue } from '../json.js';

/** Where a list continues, and what is wrong with its end. */
export interface NextCursor {
  /** Absent at the end of the list. An empty cursor is a cursor like any other. */
  readonly cursor?: string;
  /** Continues a sentence about the list. */
  readonly fault?: string;
}

/** Reads the `nextCursor` of a page that was requested with a cursor. Null counts as absent. */
export function readNextCursor(nextCursor: JsonValue | undefined, cursor: JsonValue | undefined): NextCursor {
  if (nextCursor === undefined || nextCursor === null) return {};
  if (typeof nextCursor !== 'string') return { fault: 'its nextCursor is not a text' };
  return nextCursor === cursor ? { fault: 'a page refers to itself as the next one' } : { cursor: nextCursor };
}

/** Follows the cursors of one list to its end. */
export class CursorTrail {
  private readonly passed = new Set<string>();

  /** Returns the next cursor, or the fault of a list that returns to a page that it already had. */
  follow(nextCursor: JsonValue | undefined, cursor: JsonValue | undefined): NextCursor {
    const next = readNextCursor(nextCursor, cursor);
    if (next.cursor === undefined) return next;
    if (this.passed.has(next.cursor)) return { fault: 'its pages refer to each other in a circle' };
    this.passed.add(next.cursor);
    return next;
  }
}
