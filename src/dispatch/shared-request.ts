import { outcomeOfFault, type Outcome } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';

/**
 * One request on behalf of several callers. It is none of theirs to cancel; it ends when nobody waits for it any more.
 */
export class SharedRequest {
  private readonly outcome: Promise<Outcome>;
  private readonly cancellation = new AbortController();
  private waiters = 0;
  private isSettled = false;

  /** @param sequence when it began */
  constructor(
    readonly server: ServerDefinition,
    readonly sequence: number,
    start: (signal: AbortSignal) => Promise<Outcome>,
  ) {
    this.outcome = start(this.cancellation.signal).finally(() => (this.isSettled = true));
  }

  /** False once it has ended. */
  get isInFlight(): boolean {
    return !this.isSettled && !this.cancellation.signal.aborted;
  }

  /** Its outcome; or that of a call whose own client has left, as soon as the signal is aborted. */
  async wait(signal: AbortSignal): Promise<Outcome> {
    const { promise: left, resolve } = Promise.withResolvers<Outcome>();
    const leave = () => resolve(outcomeOfFault('aborted'));
    signal.addEventListener('abort', leave, { once: true });
    this.waiters += 1;
    try {
      return await Promise.race([this.outcome, left]);
    } finally {
      signal.removeEventListener('abort', leave);
      this.waiters -= 1;
      if (this.waiters === 0 && !this.isSettled) this.cancellation.abort();
    }
  }
}
