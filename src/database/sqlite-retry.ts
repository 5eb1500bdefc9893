import { setTimeout as pause } from 'node:timers/promises';
import { DatabaseUnavailable } from './database.errors.js';

/** Other processes hold a lock for milliseconds; one that stands still with it may not hold up everybody for ever. */
const PATIENCE_MS = 5_000;
const LONGEST_PAUSE_MS = 20;

/** Result codes of SQLite (sqlite.org/rescode.html) that speak of the moment or the machine, not of the statement. */
const BUSY = 5;
const OUT_OF_ORDER: ReadonlySet<number> = new Set([
  BUSY,
  6 /* locked */,
  8 /* read only */,
  10 /* input, output */,
  13 /* full */,
  14 /* cannot open */,
]);

/**
 * Runs what may find the database locked by another process, again and again until it is not. SQLite's own waiting
 * would keep the whole process from doing anything else.
 */
export async function retryWhileLocked<T>(attempt: () => T): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let longest = 1; ; longest = Math.min(longest * 2, LONGEST_PAUSE_MS)) {
    try {
      return attempt();
    } catch (fault) {
      const code = resultCodeOf(fault);
      if (code === undefined || !OUT_OF_ORDER.has(code)) throw fault;
      if (code !== BUSY || performance.now() > deadline) throw new DatabaseUnavailable(fault);
    }
    // By chance, so that those who wait do not meet again.
    await pause(Math.random() * longest);
  }
}

/** The primary result code; the upper bytes hold details. */
function resultCodeOf(fault: unknown): number | undefined {
  if (typeof fault !== 'object' || fault === null || !('errcode' in fault)) return undefined;
  return typeof fault.errcode === 'number' ? fault.errcode & 0xff : undefined;
}
