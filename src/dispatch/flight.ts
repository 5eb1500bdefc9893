import { outcomeOfFault, type Outcome } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';

/**
 * One request on behalf of several callers. It is none of theirs to cancel; it ends when nobody waits for it any more.
 */
export class Flight {
  private readonly outcome: Promise<Outcome>;
  private readonly abandoned = new AbortController();
  private waiting = 0;
  private isOver = false;

  /** @param mark when it began */
  constructor(
    readonly server: ServerDefinition,
    readonly mark: number,
    start: (signal: AbortSignal) => Promise<Outcome>,
  ) {
    this.outcome = start(this.abandoned.signal).finally(() => (this.isOver = true));
  }

  /** False once it has ended. */
  get isUnderWay(): boolean {
    return !this.isOver && !this.abandoned.signal.aborted;
  }

  /** Its outcome; or that of a call whose own client has left, as soon as the signal is aborted. */
  async wait(signal: AbortSignal): Promise<Outcome> {
    const { promise: left, resolve } = Promise.withResolvers<Outcome>();
    const leave = () => resolve(outcomeOfFault('aborted'));
    signal.addEventListener('abort', leave, { once: true });
    this.waiting += 1;
    try {
      return await Promise.race([this.outcome, left]);
    } finally {
      signal.removeEventListener('abort', leave);
      this.waiting -= 1;
      if (this.waiting === 0 && !this.isOver) this.abandoned.abort();
    }
  }
}
