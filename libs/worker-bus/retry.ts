import type { Clock } from '#lib/time';
import { RelayFailure } from './ports/index.js';

export interface RetryOptions {
  readonly timeoutMs: number;
  readonly intervalMs: number;
  /** Checked before each attempt; once it returns false, no attempt follows. */
  readonly isNeeded: () => boolean;
}

/** False only if the relay certainly did not execute the command. */
export function mayHaveSucceeded(error: unknown): boolean {
  return !(error instanceof RelayFailure) || error.attempted;
}

/**
 * Repeats an attempt until it succeeds or times out. Resolves with its success; a rejected attempt counts as failed.
 */
export async function retry(
  timer: Clock,
  { timeoutMs, intervalMs, isNeeded }: RetryOptions,
  attempt: () => Promise<boolean>,
): Promise<boolean> {
  const giveUpAt = timer.monotonicNow() + timeoutMs;
  while (isNeeded()) {
    if (await attempt().catch(() => false)) return true;
    if (timer.monotonicNow() + intervalMs > giveUpAt) return false;
    await pause(timer, intervalMs);
  }
  return false;
}

/** Resolves after `ms` milliseconds. */
export function pause(timer: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    timer.after(ms, resolve);
  });
}
