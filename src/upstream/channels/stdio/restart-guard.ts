import { Backoff } from '../backoff.js';

/** The exit of a child that ran at least this long resets its server's back-off, in milliseconds. */
const STABLE_MS = 60_000;

interface CrashRecord {
  readonly backoff: Backoff;
  notBefore: number;
  reason: string;
}

/** Why a process of a server may not be started yet, and for how much longer. */
export interface PendingRestart {
  readonly remainingMs: number;
  /** How the last process ended. */
  readonly reason: string;
}

/** Delays restarts of a server whose processes exit repeatedly. All times are milliseconds of one clock. */
export class RestartGuard {
  private readonly records = new Map<string, CrashRecord>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Undefined when a process of this server may be started now. */
  pending(slug: string): PendingRestart | undefined {
    const record = this.records.get(slug);
    const remainingMs = record === undefined ? 0 : Math.ceil(record.notBefore - this.now());
    return record !== undefined && remainingMs > 0 ? { remainingMs, reason: record.reason } : undefined;
  }

  /** A process of this server ended by itself, or could not be started. */
  recordExit(slug: string, startedAt: number, reason: string): void {
    let record = this.records.get(slug);
    if (record === undefined || this.now() - startedAt >= STABLE_MS) {
      record = { backoff: new Backoff(), notBefore: 0, reason };
      this.records.set(slug, record);
    }
    record.notBefore = this.now() + record.backoff.next();
    record.reason = reason;
  }

  /** Removes the recorded exits of this server. */
  reset(slug: string): void {
    this.records.delete(slug);
  }
}
