import { RelayFailure, type Timer } from './ports/index.js';

export interface RetryOptions {
  readonly timeoutMs: number;
  readonly intervalMs: number;
  /** What is not wanted any more is not tried again. */
  readonly isNeeded: () => boolean;
}

/** False only where the relay certainly did not carry it out. */
export function mayHaveSucceeded(error: unknown): boolean {
  return !(error instanceof RelayFailure) || error.attempted;
}

/** Tries until it succeeds, for a while. Resolves with whether it did; an attempt that rejects has failed. */
export async function retry(
  timer: Timer,
  { timeoutMs, intervalMs, isNeeded }: RetryOptions,
  attempt: () => Promise<boolean>,
): Promise<boolean> {
  const giveUpAt = timer.now() + timeoutMs;
  while (isNeeded()) {
    if (await attempt().catch(() => false)) return true;
    if (timer.now() + intervalMs > giveUpAt) return false;
    await pause(timer, intervalMs);
  }
  return false;
}

/** Resolves after so many ms. */
export function pause(timer: Timer, ms: number): Promise<void> {
  return new Promise((resolve) => {
    timer.after(ms, resolve);
  });
}
