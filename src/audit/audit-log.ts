import { randomBytes } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '#lib/time';
import { Database } from '../database/index.js';
import { classOf, type AuditEvent, type AuditQuery, type AuditRecord } from './audit-record.js';
import { AuditTable } from './audit-table.js';
import { AuditConfig } from './audit.config.js';
import { RefusalWindows } from './refusal-windows.js';

/** Refusals of unauthenticated requests are written in batches, so that a flood of requests does not flood the disk. */
const FLUSH_DELAY_MS = 100;
const RETRY_DELAY_MS = 1_000;
const MAX_BATCH_SIZE = 200;
const MAX_PENDING = 10_000;
/** Records of unauthenticated requests must not use up the place of the others while the database is unavailable. */
const MAX_PENDING_UNAUTHENTICATED = 1_000;
const PRUNE_INTERVAL_MS = 3_600_000;
/** Maximum length of a log line and of a reason, in characters, because both may quote the request. */
const MAX_TEXT_LENGTH = 1_000;

/**
 * Records changes made over the admin API and refused requests. A record becomes a log line at once and a database row
 * shortly after. Records that cannot be written stay pending until the database is available.
 */
@Injectable()
export class AuditLog implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Audit');
  private readonly table: AuditTable;
  private readonly refusals: RefusalWindows;
  private readonly unauthenticated: RefusalWindows;
  private pending: AuditRecord[] = [];
  private flushing: Promise<void> | undefined;
  private cancelFlush: (() => void) | undefined;
  private stopPruning: (() => void) | undefined;
  private lastPrune: Promise<void> | undefined;

  constructor(
    database: Database,
    private readonly config: AuditConfig,
    private readonly clock: Clock,
  ) {
    this.table = new AuditTable(database);
    const write = (event: AuditEvent) => this.record(event);
    this.refusals = new RefusalWindows(write, clock);
    this.unauthenticated = new RefusalWindows(write, clock);
  }

  onApplicationBootstrap(): void {
    const prune = () => {
      this.lastPrune = this.prune();
    };
    this.stopPruning = this.clock.every(PRUNE_INTERVAL_MS, prune);
    prune();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopPruning?.();
    this.refusals.end();
    this.unauthenticated.end();
    this.cancelFlush?.();
    await Promise.all([this.flush(), this.lastPrune]);
  }

  /** Adds a record, which is written to the database shortly after. */
  record(event: AuditEvent): void {
    const at = new Date(this.clock.now());
    const { reason, ...rest } = event;
    const shortReason = reason?.slice(0, MAX_TEXT_LENGTH);
    const record = { id: generateId(at), at, ...rest, ...(shortReason !== undefined && { reason: shortReason }) };
    this.logger[record.outcome === 'done' ? 'log' : 'warn'](toLogLine(record));
    if (this.isPendingFull(record)) {
      this.logger.error(`Dropped an audit record, too many are pending: ${toLogLine(record)}`);
      return;
    }
    this.pending.push(record);
    this.scheduleFlush(FLUSH_DELAY_MS);
  }

  /** Records a refusal. Like refusals within a minute are counted in one further record. */
  recordRefusal(event: Omit<AuditEvent, 'outcome'>): void {
    const refusals = event.subject === '' ? this.unauthenticated : this.refusals;
    refusals.add({ ...event, outcome: 'refused' });
  }

  /** Adds a record and resolves when it is written, or when writing it has failed for now. */
  async recordAndFlush(event: AuditEvent): Promise<void> {
    this.record(event);
    await this.flush();
  }

  /** Finds the newest records, optionally only those before an id. @throws DatabaseUnavailable */
  async find(query: AuditQuery, limit: number, before?: string): Promise<readonly AuditRecord[]> {
    this.refusals.flush();
    this.unauthenticated.flush();
    await this.flush();
    return this.table.find(query, limit, before);
  }

  private isPendingFull(record: AuditRecord): boolean {
    const { length } = this.pending;
    if (length >= MAX_PENDING) return true;
    if (length < MAX_PENDING_UNAUTHENTICATED || classOf(record) !== 'unauthenticated') return false;
    return this.pending.filter((each) => classOf(each) === 'unauthenticated').length >= MAX_PENDING_UNAUTHENTICATED;
  }

  private scheduleFlush(delayMs: number): void {
    this.cancelFlush ??= this.clock.after(delayMs, () => {
      this.cancelFlush = undefined;
      void this.flush();
    });
  }

  private async flush(): Promise<void> {
    while (this.flushing) await this.flushing;
    if (this.pending.length === 0) return;
    this.flushing = this.writePending().finally(() => {
      this.flushing = undefined;
    });
    await this.flushing;
  }

  private async writePending(): Promise<void> {
    const records = this.pending;
    this.pending = [];
    try {
      for (let from = 0; from < records.length; from += MAX_BATCH_SIZE) {
        await this.table.insert(records.slice(from, from + MAX_BATCH_SIZE));
      }
    } catch (cause) {
      this.logger.error(`Failed to write ${records.length} audit records, retrying: ${String(cause)}`);
      this.pending = [...records, ...this.pending];
      this.scheduleFlush(RETRY_DELAY_MS);
    }
  }

  private async prune(): Promise<void> {
    const { retentionMs, maxRecords, maxRefusals } = this.config;
    try {
      await this.table.deleteBefore(new Date(this.clock.now() - retentionMs));
      await this.table.deleteSurplus('changes', maxRecords);
      await this.table.deleteSurplus('refusals', maxRefusals);
      await this.table.deleteSurplus('unauthenticated', maxRefusals);
    } catch (cause) {
      this.logger.warn(`Failed to delete old audit records: ${String(cause)}`);
    }
  }
}

const SEQUENCE_LENGTH = 36 ** 6;
let sequence = 0;

/** Ids sort by time, then by sequence number. They use digits and lower-case letters, which all databases sort alike. */
function generateId(at: Date): string {
  sequence = (sequence + 1) % SEQUENCE_LENGTH;
  const [time, number] = [at.getTime().toString(36).padStart(9, '0'), sequence.toString(36).padStart(6, '0')];
  return `${time}${number}${randomBytes(6).toString('hex')}`;
}

function toLogLine(record: AuditRecord): string {
  const { method, path, outcome, status, reason, count } = record;
  const end = outcome === 'done' ? outcome : `${outcome}, ${status}: ${reason ?? ''}`;
  const repeated = count === undefined ? '' : ` (${count} more)`;
  return toSingleLine(`${toCallerText(record)}: ${method} ${path}: ${end}${repeated}`);
}

function toCallerText({ issuer, subject, roles, token, address }: AuditRecord): string {
  const known = issuer === '' ? subject : `${subject} of ${issuer} (${roles.join(', ')})`;
  const caller = subject === '' ? 'Unauthenticated' : known;
  return [caller, ...(token === undefined ? [] : [`token ${token}`]), ...(address === undefined ? [] : [address])].join(
    ', ',
  );
}

/** Replaces line breaks and control characters, so that a request cannot forge log lines. */
const toSingleLine = (text: string): string =>
  text.slice(0, MAX_TEXT_LENGTH).replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
