import type { RequestId } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';

/** Longer than everything that precedes a call (limits, fetching tool lists, forwarding to the owner). */
const CANCEL_RETENTION_MS = 30_000;
const MAX_CANCELS = 64;
/** A cancellation that crosses the answer in transit names one of the most recent calls. */
const MAX_ENDED_IDS = 16;

/**
 * Cancellations of requests that have not begun at the session yet: such a request must reach no server (invariant 7).
 * A cancellation of a finished request is ignored (specification 2025: basic/utilities/cancellation, Timing
 * Considerations).
 */
export class EarlyCancels {
  /** Expiry time of each cancellation in milliseconds since the Unix epoch, oldest first. */
  private cancelled: Map<RequestId, number> | undefined;
  private readonly ended: RequestId[] = [];

  constructor(private readonly clock: Clock) {}

  record(id: RequestId): void {
    if (this.ended.includes(id)) return;
    const cancelled = (this.cancelled ??= new Map());
    cancelled.delete(id);
    cancelled.set(id, this.clock.now() + CANCEL_RETENTION_MS);
    for (const [oldest, until] of cancelled) {
      if (cancelled.size <= MAX_CANCELS && this.clock.now() < until) return;
      cancelled.delete(oldest);
    }
  }

  has(id: RequestId): boolean {
    return this.clock.now() < (this.cancelled?.get(id) ?? 0);
  }

  /** Returns whether the request was cancelled, and removes the cancellation: a later request may reuse the id. */
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
