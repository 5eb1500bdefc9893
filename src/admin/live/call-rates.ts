import type { CallsByOutcome, CallTotals } from './call-counts.js';

/** Readings over which the figures are computed: ten seconds. */
const WINDOW_READINGS = 5;

interface Reading extends CallsByOutcome {
  readonly durationMs: number;
}

/** Calls of all workers in the last seconds. */
export interface CallRates extends CallsByOutcome {
  readonly perSecond: number;
  /** Length of the window in milliseconds; 0: the workers have just begun to count. */
  readonly windowMs: number;
}

/** Turns what the workers have counted into the calls of the last seconds. */
export class CallWindow {
  private before: ReadonlyMap<string, CallTotals> = new Map();
  private readings: readonly Reading[] = [];

  /** Adds what each worker has counted so far, and returns the calls in the window. */
  add(totals: ReadonlyMap<string, CallTotals>): CallRates {
    const reading = this.toReading(totals);
    this.before = totals;
    if (reading.durationMs > 0) this.readings = [...this.readings, reading].slice(-WINDOW_READINGS);
    return toRates(this.readings);
  }

  /** The workers have read different times, but all of them about the time between two readings. */
  private toReading(totals: ReadonlyMap<string, CallTotals>): Reading {
    let sum: Reading = { calls: 0, refused: 0, failed: 0, unknown: 0, durationMs: 0 };
    for (const [worker, now] of totals) {
      const before = this.before.get(worker);
      if (before?.since !== now.since) continue;
      sum = {
        calls: sum.calls + now.calls - before.calls,
        refused: sum.refused + now.refused - before.refused,
        failed: sum.failed + now.failed - before.failed,
        unknown: sum.unknown + now.unknown - before.unknown,
        durationMs: Math.max(sum.durationMs, now.at - before.at),
      };
    }
    return sum;
  }
}

function toRates(readings: readonly Reading[]): CallRates {
  const total = (member: keyof Reading) => readings.reduce((sum, reading) => sum + reading[member], 0);
  const windowMs = Math.round(total('durationMs'));
  const calls = total('calls');
  return {
    calls,
    refused: total('refused'),
    failed: total('failed'),
    unknown: total('unknown'),
    perSecond: windowMs === 0 ? 0 : Math.round((calls * 100_000) / windowMs) / 100,
    windowMs,
  };
}
