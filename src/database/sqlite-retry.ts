import type { Clock } from '#lib/time';
import { DatabaseUnavailable } from './database.errors.js';

/** Other processes hold the lock for milliseconds. A process that hangs while it holds the lock must not block all others. */
const LOCK_TIMEOUT_MS = 5_000;
const MAX_RETRY_DELAY_MS = 20;

/** Result codes of SQLite (sqlite.org/rescode.html) that report a transient or host failure, not a fault of the statement. */
const BUSY = 5;
const UNAVAILABLE_CODES: ReadonlySet<number> = new Set([
  BUSY,
  6 /* locked */,
  8 /* read only */,
  10 /* input, output */,
  13 /* full */,
  14 /* cannot open */,
]);

/**
 * Retries an attempt while another process holds the lock of the database, for at most 5 s. SQLite's own busy timeout
 * would block the event loop.
 * @throws DatabaseUnavailable when the lock is not released in time, or the file cannot be read or written
 */
export async function retryWhileLocked<T>(clock: Clock, attempt: () => T): Promise<T> {
  const deadline = clock.monotonicNow() + LOCK_TIMEOUT_MS;
  for (let maxDelay = 1; ; maxDelay = Math.min(maxDelay * 2, MAX_RETRY_DELAY_MS)) {
    try {
      return attempt();
    } catch (fault) {
      const code = resultCodeOf(fault);
      if (code === undefined || !UNAVAILABLE_CODES.has(code)) throw fault;
      if (code !== BUSY || clock.monotonicNow() > deadline) throw new DatabaseUnavailable(fault);
    }
    // A random delay, so that waiting processes do not collide again.
    await clock.sleep(Math.random() * maxDelay);
  }
}

/** Returns the primary result code; the upper bytes hold details. */
function resultCodeOf(fault: unknown): number | undefined {
  if (typeof fault !== 'object' || fault === null || !('errcode' in fault)) return undefined;
  return typeof fault.errcode === 'number' ? fault.errcode & 0xff : undefined;
}
