import type { Clock } from '#lib/time';
import { Backoff } from '../backoff.js';

/** The exit of a child that ran at least this long resets its server's back-off, in milliseconds. */
const STABLE_MS = 60_000;

interface CrashRecord {
  readonly backoff: Backoff;
  notBefore: number;
}

/** Delays restarts of a server whose processes exit repeatedly. All times are monotonic times of one clock. */
export class RestartGuard {
  private readonly records = new Map<string, CrashRecord>();

  constructor(private readonly clock: Clock) {}

  /** Until a process of this server may be started again; 0 when it may be now. */
  remainingMs(slug: string): number {
    const record = this.records.get(slug);
    return record === undefined ? 0 : Math.max(0, Math.ceil(record.notBefore - this.clock.monotonicNow()));
  }

  /** A process of this server ended by itself. */
  recordExit(slug: string, startedAt: number): void {
    let record = this.records.get(slug);
    if (record === undefined || this.clock.monotonicNow() - startedAt >= STABLE_MS) {
      record = { backoff: new Backoff(), notBefore: 0 };
      this.records.set(slug, record);
    }
    record.notBefore = this.clock.monotonicNow() + record.backoff.next();
  }

  /** Removes the recorded exits of this server. */
  reset(slug: string): void {
    this.records.delete(slug);
  }
}
