import type { RequestId } from '#lib/mcp-protocol';

/** What comes before a call begins (limits, what a server says of its tools, the way to the owner) is over by then. */
const CANCEL_RETENTION_MS = 30_000;
const MAX_CANCELS = 64;
/** A cancel that crosses the answer on its way names one of the last calls. */
const MAX_ENDED_IDS = 16;

/**
 * Cancels of requests that have not begun at the session yet: such a request is to start nothing. What a cancel means whose
 * request is over is nothing (specification 2025: basic/utilities/cancellation, Timing Considerations).
 */
export class EarlyCancels {
  /** Until when, ms; oldest first. */
  private cancelled: Map<RequestId, number> | undefined;
  private readonly ended: RequestId[] = [];

  record(id: RequestId): void {
    if (this.ended.includes(id)) return;
    const cancelled = (this.cancelled ??= new Map());
    cancelled.delete(id);
    cancelled.set(id, Date.now() + CANCEL_RETENTION_MS);
    for (const [oldest, until] of cancelled) {
      if (cancelled.size <= MAX_CANCELS && Date.now() < until) return;
      cancelled.delete(oldest);
    }
  }

  has(id: RequestId): boolean {
    return Date.now() < (this.cancelled?.get(id) ?? 0);
  }

  /** Whether the request was cancelled. Says so once: the next one with this id is another request. */
  consume(id: RequestId): boolean {
    const isCancelled = this.has(id);
    this.cancelled?.delete(id);
    return isCancelled;
  }

  recordEnd(id: RequestId): void {
    if (this.ended.includes(id)) return;
    if (this.ended.push(id) > MAX_ENDED_IDS) this.ended.shift();
  }
}
