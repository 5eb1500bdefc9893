import { Backoff } from '../backoff.js';

/** A child that lived so long before it died is not held against its server, in milliseconds. */
const STABLE_MS = 60_000;

interface CrashRecord {
  readonly backoff: Backoff;
  notBefore: number;
}

/** Keeps a server whose processes die from being started over and over. Times are milliseconds of one clock. */
export class RestartGuard {
  private readonly records = new Map<string, CrashRecord>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Until a process of this server may be started again; 0 when it may be now. */
  remainingMs(slug: string): number {
    const record = this.records.get(slug);
    return record === undefined ? 0 : Math.max(0, Math.ceil(record.notBefore - this.now()));
  }

  /** A process of this server ended by itself. */
  recordExit(slug: string, startedAt: number): void {
    let record = this.records.get(slug);
    if (record === undefined || this.now() - startedAt >= STABLE_MS) {
      record = { backoff: new Backoff(), notBefore: 0 };
      this.records.set(slug, record);
    }
    record.notBefore = this.now() + record.backoff.next();
  }

  /** What was held against this server counts no more. */
  reset(slug: string): void {
    this.records.delete(slug);
  }
}
