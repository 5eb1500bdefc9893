import { outcomeOfFault, type Outcome } from '#lib/mcp-protocol';
import type { Timer } from '#lib/worker-bus';

const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;

/**
 * When a server that asks nothing, and only wants to be called again, is called again: once at once, then after pauses
 * that grow. A server that waits for something of its own is not to be asked for it as fast as it can say "not yet".
 */
export class RepeatBackoff {
  private pauseMs = 0;
  private giveUpAt: number | undefined;

  /** `budgetMs`: how long a call may take while nobody is asked. */
  constructor(
    private readonly timer: Timer,
    private readonly budgetMs: number,
  ) {}

  /** The client was asked: what the server does with the answers is another matter, and has time of its own. */
  reset(): void {
    this.pauseMs = 0;
    this.giveUpAt = undefined;
  }

  /** Resolves when it is time to call again; with an outcome where the call is over before. */
  async wait(signal: AbortSignal): Promise<Outcome | undefined> {
    const now = this.timer.now();
    this.giveUpAt ??= now + this.budgetMs;
    const pauseMs = this.pauseMs;
    this.pauseMs = Math.min(Math.max(MIN_PAUSE_MS, 2 * pauseMs), MAX_PAUSE_MS);
    if (now + pauseMs >= this.giveUpAt) return outcomeOfFault('timeout', 'it asked for nothing but to be called again');
    if (pauseMs > 0) await this.pause(pauseMs, signal);
    return signal.aborted ? outcomeOfFault('aborted') : undefined;
  }

  private pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        takeBack();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const takeBack = this.timer.after(ms, end);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted) end();
    });
  }
}
