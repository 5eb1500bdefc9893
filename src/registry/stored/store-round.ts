import type { Clock } from '#lib/time';
import { SecretStoreUnavailable } from '../registry.errors.js';

/** Number of entries about which the secret store is asked at the same time. */
const MAX_ASKED_TOGETHER = 16;
/** Milliseconds after which a round asks no further questions. */
const MAX_ROUND_MS = 30_000;

/**
 * Asks the secret store about many entries. A store that does not answer one question in time is asked no further one, so that its
 * silence costs one timeout instead of one for each entry.
 */
export class StoreRound {
  private readonly startedAt: number;
  private isSilent = false;

  constructor(private readonly clock: Clock) {
    this.startedAt = clock.monotonicNow();
  }

  /** True when the round asks no further questions. */
  get isOver(): boolean {
    return this.isSilent || this.clock.monotonicNow() - this.startedAt >= MAX_ROUND_MS;
  }

  /** Records how a question ended. */
  end(failure: SecretStoreUnavailable | undefined): void {
    this.isSilent ||= failure?.isSilent ?? false;
  }

  /** Runs `ask` for each item, some at the same time. Rejects with the first failure, after which it begins with no further item. */
  async run<T>(items: readonly T[], ask: (item: T) => Promise<void>): Promise<void> {
    let hasFailed = false;
    const pending = items.values();
    const askInTurn = async () => {
      for (const item of pending) {
        if (hasFailed) return;
        await ask(item).catch((cause: unknown) => {
          hasFailed = true;
          throw cause;
        });
      }
    };
    await Promise.all(Array.from({ length: Math.min(MAX_ASKED_TOGETHER, items.length) }, askInTurn));
  }
}
