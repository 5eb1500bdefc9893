import type { Clock } from '#lib/time';
import { RelayFailure } from './ports/index.js';

export interface Persistence {
  readonly forMs: number;
  readonly pauseMs: number;
  /** What is not wanted any more is not tried again. */
  readonly isWanted: () => boolean;
}

/** False only where the relay certainly did not carry it out. */
export function mayHaveWorked(error: unknown): boolean {
  return !(error instanceof RelayFailure) || error.attempted;
}

/** Tries until it succeeds, for a while. Resolves with whether it did; an attempt that rejects has failed. */
export async function persist(
  timer: Clock,
  { forMs, pauseMs, isWanted }: Persistence,
  attempt: () => Promise<boolean>,
): Promise<boolean> {
  const giveUpAt = timer.monotonicNow() + forMs;
  while (isWanted()) {
    if (await attempt().catch(() => false)) return true;
    if (timer.monotonicNow() + pauseMs > giveUpAt) return false;
    await pause(timer, pauseMs);
  }
  return false;
}

/** Resolves after so many ms. */
export function pause(timer: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    timer.after(ms, resolve);
  });
}
