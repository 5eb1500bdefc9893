import { toFaultOutcome, type Outcome } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../../registry/index.js';

/** One upstream request for several callers. No single caller can cancel it; it is cancelled when no caller waits any more. */
export class SharedRequest {
  private readonly outcome: Promise<Outcome>;
  private readonly cancellation = new AbortController();
  private waiters = 0;
  private isSettled = false;

  /** @param sequence the cache sequence number at which the request started */
  constructor(
    readonly server: ServerDefinition,
    readonly sequence: number,
    start: (signal: AbortSignal) => Promise<Outcome>,
  ) {
    this.outcome = start(this.cancellation.signal).finally(() => (this.isSettled = true));
  }

  /** False once the request has ended or was cancelled. */
  get isInFlight(): boolean {
    return !this.isSettled && !this.cancellation.signal.aborted;
  }

  /** Returns the outcome, or an `aborted` outcome as soon as the caller's own signal is aborted. */
  async wait(signal: AbortSignal): Promise<Outcome> {
    const { promise: aborted, resolve } = Promise.withResolvers<Outcome>();
    const onAbort = () => resolve(toFaultOutcome('aborted'));
    signal.addEventListener('abort', onAbort, { once: true });
    this.waiters += 1;
    try {
      return await Promise.race([this.outcome, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.waiters -= 1;
      if (this.waiters === 0 && !this.isSettled) this.cancellation.abort();
    }
  }
}
