import type { Clock } from '#lib/time';

/** Maximum number of stored call times. An evicted caller is treated as if it had called at the last evicted time. */
const MAX_CALLERS = 10_000;

interface CallTime {
  /** A sequence number of the list cache. */
  readonly sequence: number;
  /** A monotonic time of the clock. */
  readonly endedAt: number;
}

const NO_CALL: CallTime = { sequence: 0, endedAt: Number.NEGATIVE_INFINITY };

/** Stores when the last tool call of a caller at a server ended, because the call may have changed the server's lists. */
export class LastCallTimes {
  private readonly calls = new Map<string, CallTime>();
  private lastEvicted = NO_CALL;

  constructor(private readonly clock: Clock) {}

  record(slug: string, caller: string, sequence: number): void {
    const key = `${slug} ${caller}`;
    this.calls.delete(key);
    this.calls.set(key, { sequence, endedAt: this.clock.monotonicNow() });
    if (this.calls.size <= MAX_CALLERS) return;
    const [oldest] = this.calls;
    if (!oldest) return;
    this.calls.delete(oldest[0]);
    this.lastEvicted = oldest[1];
  }

  last(slug: string, caller: string): CallTime {
    return this.calls.get(`${slug} ${caller}`) ?? this.lastEvicted;
  }
}
