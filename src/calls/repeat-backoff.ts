import { outcomeOfFault, type Outcome } from '#lib/mcp-protocol';
import type { Timer } from '#lib/worker-bus';

const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;

/**
 * Delays repetitions of a call whose server returns no question and only requests a repetition: the first one is
 * immediate, later ones follow growing pauses. Without them, a server that waits for an event of its own would be
 * called in a tight loop.
 */
export class RepeatBackoff {
  private pauseMs = 0;
  private giveUpAt: number | undefined;

  /** @param budgetMs how long a call may take without a question to the client, in milliseconds */
  constructor(
    private readonly timer: Timer,
    private readonly budgetMs: number,
  ) {}

  /** Resets pauses and budget after the client has answered: the server starts new work with the answers. */
  reset(): void {
    this.pauseMs = 0;
    this.giveUpAt = undefined;
  }

  /** Resolves when the call may be repeated, or with an outcome if the call ends before. */
  async wait(signal: AbortSignal): Promise<Outcome | undefined> {
    const now = this.timer.now();
    this.giveUpAt ??= now + this.budgetMs;
    const pauseMs = this.pauseMs;
    this.pauseMs = Math.min(Math.max(MIN_PAUSE_MS, 2 * pauseMs), MAX_PAUSE_MS);
    if (now + pauseMs >= this.giveUpAt) return outcomeOfFault('timeout', 'it only requested to be called again');
    if (pauseMs > 0) await this.pause(pauseMs, signal);
    return signal.aborted ? outcomeOfFault('aborted') : undefined;
  }

  private pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        cancelTimer();
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const cancelTimer = this.timer.after(ms, finish);
      signal.addEventListener('abort', finish, { once: true });
      if (signal.aborted) finish();
    });
  }
}
