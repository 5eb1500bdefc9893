import { Backoff } from '../backoff.js';

/** A child that lived so long before it died is not held against its server, in milliseconds. */
const STABLE_MS = 60_000;

interface Misfortune {
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

/** Keeps a server whose processes die from being started over and over. Times are milliseconds of one clock. */
export class RestartGuard {
  private readonly records = new Map<string, Misfortune>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Undefined when a process of this server may be started now. */
  pending(slug: string): PendingRestart | undefined {
    const record = this.records.get(slug);
    const remainingMs = record === undefined ? 0 : Math.ceil(record.notBefore - this.now());
    return record !== undefined && remainingMs > 0 ? { remainingMs, reason: record.reason } : undefined;
  }

  /** A process of this server ended by itself, or could not be started. */
  died(slug: string, startedAt: number, reason: string): void {
    let record = this.records.get(slug);
    if (record === undefined || this.now() - startedAt >= STABLE_MS) {
      record = { backoff: new Backoff(), notBefore: 0, reason };
      this.records.set(slug, record);
    }
    record.notBefore = this.now() + record.backoff.next();
    record.reason = reason;
  }

  /** What was held against this server counts no more. */
  forgive(slug: string): void {
    this.records.delete(slug);
  }
}
