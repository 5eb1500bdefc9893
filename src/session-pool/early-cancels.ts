import type { RequestId } from '#lib/mcp-protocol';

/** What comes before a call begins (limits, what a server says of its tools, the way to the owner) is over by then. */
const REMEMBERED_MS = 30_000;
const MOST_REMEMBERED = 64;
/** A cancel that crosses the answer on its way names one of the last calls. */
const MOST_ENDED = 16;

/**
 * Cancels of requests that have not begun at the session yet: such a request is to start nothing. What a cancel means whose
 * request is over is nothing (specification 2025: basic/utilities/cancellation, Timing Considerations).
 */
export class EarlyCancels {
  /** Until when, ms; oldest first. */
  private cancelled: Map<RequestId, number> | undefined;
  private readonly ended: RequestId[] = [];

  remember(id: RequestId): void {
    if (this.ended.includes(id)) return;
    const cancelled = (this.cancelled ??= new Map());
    cancelled.delete(id);
    cancelled.set(id, Date.now() + REMEMBERED_MS);
    for (const [oldest, until] of cancelled) {
      if (cancelled.size <= MOST_REMEMBERED && Date.now() < until) return;
      cancelled.delete(oldest);
    }
  }

  has(id: RequestId): boolean {
    return Date.now() < (this.cancelled?.get(id) ?? 0);
  }

  /** Whether the request was cancelled. Says so once: the next one with this id is another request. */
  use(id: RequestId): boolean {
    const isCancelled = this.has(id);
    this.cancelled?.delete(id);
    return isCancelled;
  }

  noteEnd(id: RequestId): void {
    if (this.ended.includes(id)) return;
    if (this.ended.push(id) > MOST_ENDED) this.ended.shift();
  }
}
