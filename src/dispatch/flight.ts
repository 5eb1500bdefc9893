import { outcomeOfFault, type Outcome } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';

/** One upstream request for several callers. No single caller can cancel it; it is cancelled when no caller waits any more. */
export class Flight {
  private readonly outcome: Promise<Outcome>;
  private readonly abandoned = new AbortController();
  private waiting = 0;
  private isOver = false;

  /** @param mark the cache sequence number at which the request started */
  constructor(
    readonly server: ServerDefinition,
    readonly mark: number,
    start: (signal: AbortSignal) => Promise<Outcome>,
  ) {
    this.outcome = start(this.abandoned.signal).finally(() => (this.isOver = true));
  }

  /** False once the request has ended or was cancelled. */
  get isUnderWay(): boolean {
    return !this.isOver && !this.abandoned.signal.aborted;
  }

  /** Returns the outcome, or an `aborted` outcome as soon as the caller's own signal is aborted. */
  async wait(signal: AbortSignal): Promise<Outcome> {
    const { promise: aborted, resolve } = Promise.withResolvers<Outcome>();
    const onAbort = () => resolve(outcomeOfFault('aborted'));
    signal.addEventListener('abort', onAbort, { once: true });
    this.waiting += 1;
    try {
      return await Promise.race([this.outcome, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.waiting -= 1;
      if (this.waiting === 0 && !this.isOver) this.abandoned.abort();
    }
  }
}
