import { randomBytes } from 'node:crypto';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database } from '../database/index.js';
import type { AuditQuery, AuditRecord } from './audit-record.js';
import { AuditTable } from './audit-table.js';
import { AuditConfig } from './audit.config.js';

/** What refusals of strangers come to is written together: one of them must not cost one write to the disk. */
const GATHERING_MS = 100;
const RETRY_MS = 1_000;
const MOST_AT_ONCE = 200;
const MOST_WAITING = 10_000;
const PRUNING_MS = 3_600_000;
/** Characters of a line, and of a reason: what was sent may be quoted in it. */
const LONGEST = 1_000;

/**
 * Keeps who did what over the admin API, and who was refused. A record is a line of the log at once, and a row of the
 * database soon: those that cannot be written wait until the database is back.
 */
@Injectable()
export class AuditLog implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Audit');
  private readonly table: AuditTable;
  private pending: AuditRecord[] = [];
  private flushing: Promise<void> | undefined;
  private flushTimer: NodeJS.Timeout | undefined;
  private pruneTimer: NodeJS.Timeout | undefined;
  private lastPrune: Promise<void> | undefined;

  constructor(
    database: Database,
    private readonly config: AuditConfig,
  ) {
    this.table = new AuditTable(database);
  }

  onApplicationBootstrap(): void {
    const prune = () => {
      this.lastPrune = this.prune();
    };
    this.pruneTimer = setInterval(prune, PRUNING_MS).unref();
    prune();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.pruneTimer);
    clearTimeout(this.flushTimer);
    await Promise.all([this.flush(), this.lastPrune]);
  }

  /** Takes a record; it is written shortly. */
  record(happened: Omit<AuditRecord, 'id' | 'at'>): void {
    const at = new Date();
    const { reason, ...rest } = happened;
    const record = { id: idAt(at), at, ...rest, ...(reason !== undefined && { reason: reason.slice(0, LONGEST) }) };
    this.logger[record.outcome === 'done' ? 'log' : 'warn'](lineOf(record));
    if (this.pending.length >= MOST_WAITING) return this.logger.error(`Not kept, too many wait: ${lineOf(record)}`);
    this.pending.push(record);
    this.scheduleFlush(GATHERING_MS);
  }

  /** Takes a record, and resolves once it is written, or cannot be now. */
  async recordAndFlush(happened: Omit<AuditRecord, 'id' | 'at'>): Promise<void> {
    this.record(happened);
    await this.flush();
  }

  /** Newest first, those before an id. @throws DatabaseUnavailable */
  async find(query: AuditQuery, limit: number, before?: string): Promise<readonly AuditRecord[]> {
    await this.flush();
    return this.table.find(query, limit, before);
  }

  private scheduleFlush(ms: number): void {
    this.flushTimer ??= setTimeout(() => {
      this.flushTimer = undefined;
      void this.flush();
    }, ms).unref();
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
      for (let from = 0; from < records.length; from += MOST_AT_ONCE) {
        await this.table.insert(records.slice(from, from + MOST_AT_ONCE));
      }
    } catch (cause) {
      this.logger.error(`${records.length} records wait to be written: ${String(cause)}`);
      this.pending = [...records, ...this.pending];
      this.scheduleFlush(RETRY_MS);
    }
  }

  private async prune(): Promise<void> {
    const { retentionMs, maxRecords } = this.config;
    const before = new Date(Date.now() - retentionMs);
    await this.table
      .prune(before, maxRecords)
      .catch((cause: unknown) => this.logger.warn(`Old records were not deleted: ${String(cause)}`));
  }
}

const SEQUENCE = 36 ** 6;
let drawn = 0;

/** Sorts as its moment does, and within one as it was drawn: digits and small letters, which databases sort alike. */
function idAt(at: Date): string {
  drawn = (drawn + 1) % SEQUENCE;
  const [moment, place] = [at.getTime().toString(36).padStart(9, '0'), drawn.toString(36).padStart(6, '0')];
  return `${moment}${place}${randomBytes(6).toString('hex')}`;
}

function lineOf({ issuer, subject, roles, method, path, outcome, status, reason }: AuditRecord): string {
  const who = subject === '' ? 'Nobody' : `${subject} of ${issuer} (${roles.join(', ')})`;
  const how = outcome === 'done' ? outcome : `${outcome}, ${status}: ${reason ?? ''}`;
  return clean(`${who}: ${method} ${path}: ${how}`);
}

/** One line, whatever it says. */
const clean = (text: string): string => text.slice(0, LONGEST).replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
