import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '#lib/time';
import { Database } from '../database/index.js';
import { WorkerId } from '../workers/index.js';
import { AuditChain, toChainRecordEvent } from './chain/audit-chain.js';
import { AuditKey } from './chain/audit-key.js';
import { toLogLine } from './audit-line.js';
import {
  classOf,
  type AuditEvent,
  type AuditQuery,
  type AuditRecord,
  type ChainedRecord,
  type ChainEvent,
} from './audit-record.js';
import { AuditRetention } from './audit-retention.js';
import { AuditSinks } from './audit-sinks.js';
import { AuditTable } from './audit-table.js';
import { AuditConfig } from './audit.config.js';
import { RefusalWindows } from './refusal-windows.js';

/** Records are written in batches, so that a flood of requests does not flood the disk. */
const FLUSH_DELAY_MS = 100;
/** So many records are chained in the next turn of the event loop, before the delay has passed. */
const MAX_UNCHAINED = 200;
/** For so long a turn of the event loop chains records, in milliseconds. Calls are served between two turns. */
const MAX_TURN_MS = 4;
/** A turn chains at least one of so many records, so that they do not accumulate when calls are faster. */
const MAX_TURNS = 8;
/** Records of unauthenticated requests must not use up the place of the others while the database is unavailable. */
const MAX_WAITING_UNAUTHENTICATED = 1_000;
const REPORT_INTERVAL_MS = 60_000;
/** Maximum length of a reason, in characters, because it may quote the request. */
const MAX_REASON_LENGTH = 1_000;

interface Pending {
  readonly at: Date;
  readonly isUnauthenticated: boolean;
  /** Defers the work of making the record of a call, which must not slow the call. */
  readonly describe: () => AuditEvent;
}

/**
 * Records changes made over the admin API, refused requests, and uses of items of servers. A record is chained and passed to the
 * database and the streams shortly after. Records that cannot be written wait until the sink is available.
 */
@Injectable()
export class AuditLog implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Audit');
  private readonly table: AuditTable;
  private readonly refusals: RefusalWindows;
  private readonly unauthenticated: RefusalWindows;
  private readonly chain: AuditChain;
  private readonly retention: AuditRetention;
  private pending: Pending[] = [];
  /** Records that were discarded before they were chained. */
  private discarded = 0;
  private hasEnded = false;
  /** How many records were ever pending, and how many of them are no longer. */
  private appended = 0;
  private chained = 0;
  private nextSlice: Promise<void> | undefined;
  private cancelFlush: (() => void) | undefined;
  private stopReports: (() => void) | undefined;

  constructor(
    database: Database,
    private readonly sinks: AuditSinks,
    config: AuditConfig,
    key: AuditKey,
    private readonly worker: WorkerId,
    private readonly clock: Clock,
  ) {
    this.table = new AuditTable(database);
    const write = (event: AuditEvent, describe?: () => AuditEvent) => this.record(event, describe);
    this.refusals = new RefusalWindows(write, clock);
    this.unauthenticated = new RefusalWindows(write, clock);
    this.chain = new AuditChain(worker.text, key);
    this.retention = new AuditRetention(this.table, key, config, clock);
    sinks.reportLossesTo((event) => this.append(toChainRecordEvent(event)));
  }

  onApplicationBootstrap(): void {
    this.retention.start();
    this.stopReports = this.clock.every(REPORT_INTERVAL_MS, () => void this.reportRunning());
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopReports?.();
    this.refusals.end();
    this.unauthenticated.end();
    this.cancelFlush?.();
    await this.chainPending();
    for (const loss of this.sinks.endDiscarding()) this.append(toChainRecordEvent(loss));
    if (this.chain.hasBegun || this.pending.length > 0) this.append(toChainRecordEvent({ event: 'ended' }));
    this.hasEnded = true;
    await this.chainPending();
    await this.sinks.close();
    await this.retention.stop();
  }

  /** Adds a record, which is written shortly after. It is a log line at once. `describe` makes the whole record later. */
  record(event: AuditEvent, describe: () => AuditEvent = () => event): void {
    const recorded = withShortReason(event);
    this.logger[recorded.outcome === 'done' ? 'log' : 'warn'](toLogLine(recorded));
    if (this.isFullFor(recorded)) {
      this.discarded += 1;
      this.logger.error(`Dropped an audit record, too many are pending: ${toLogLine(recorded)}`);
      return;
    }
    this.append(() => withShortReason(describe()), classOf(recorded) === 'unauthenticated');
  }

  /** Adds the record of a call, which has a log line of its own. `describe` runs later. */
  recordCall(describe: () => AuditEvent): void {
    this.append(describe);
  }

  /**
   * Records a refusal. Like refusals within a minute are counted in one further record. `describe` makes the whole record of the
   * first one later.
   */
  recordRefusal(event: Omit<AuditEvent, 'outcome'>, describe?: () => AuditEvent): void {
    const refusals = event.subject === '' ? this.unauthenticated : this.refusals;
    refusals.add({ ...event, outcome: 'refused' }, describe);
  }

  /** Adds a record and resolves when the database has it, or when writing it has failed for now. */
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

  private append(event: AuditEvent | (() => AuditEvent), isUnauthenticated = false): void {
    if (this.hasEnded) return;
    const describe = typeof event === 'function' ? event : () => event;
    this.pending.push({ at: new Date(this.clock.now()), isUnauthenticated, describe });
    this.appended += 1;
    this.cancelFlush ??= this.clock.after(FLUSH_DELAY_MS, () => void this.chainPending());
    if (this.pending.length >= MAX_UNCHAINED) this.nextSlice ??= this.chainSliceInNextTurn();
  }

  private isFullFor(event: AuditEvent): boolean {
    if (classOf(event) !== 'unauthenticated') return false;
    const pending = this.pending.filter(({ isUnauthenticated }) => isUnauthenticated);
    return pending.length + this.sinks.countWaiting('unauthenticated') >= MAX_WAITING_UNAUTHENTICATED;
  }

  private async flush(): Promise<void> {
    await this.chainPending();
    await this.sinks.flush();
  }

  /** Gives what is pending now its place in the chain, in as many turns of the event loop as that takes. */
  private async chainPending(): Promise<void> {
    this.cancelFlush?.();
    this.cancelFlush = undefined;
    const end = this.appended;
    if (this.nextSlice === undefined) this.chainSlice();
    while (this.chained < end) await (this.nextSlice ??= this.chainSliceInNextTurn());
  }

  private async chainSliceInNextTurn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.nextSlice = undefined;
    this.chainSlice();
  }

  /** The first record of a chain says who writes it. */
  private chainSlice(): void {
    const [first] = this.pending;
    if (first === undefined) return;
    const end = this.clock.monotonicNow() + MAX_TURN_MS;
    const { discarded } = this;
    this.discarded = 0;
    const records: ChainedRecord[] = [];
    const chain = (pending: Pending) => void records.push(...this.toChained(pending));
    if (!this.chain.hasBegun) chain(toPending(first.at, toStart(this.worker)));
    if (discarded > 0) chain(toPending(first.at, { event: 'discarded', count: discarded }));
    let count = 0;
    for (const pending of this.pending) {
      chain(pending);
      count += 1;
      if (count * MAX_TURNS >= this.pending.length && this.clock.monotonicNow() >= end) break;
    }
    this.pending = this.pending.slice(count);
    this.chained += count;
    this.sinks.add(records);
  }

  /** A record that cannot be made must not take others with it. */
  private toChained({ at, describe }: Pending): readonly ChainedRecord[] {
    try {
      return [this.chain.append({ id: generateId(at), at, ...describe() })];
    } catch (cause) {
      this.discarded += 1;
      this.logger.error('Dropped an audit record that could not be made', cause instanceof Error ? cause.stack : cause);
      return [];
    }
  }

  private async reportRunning(): Promise<void> {
    if (!this.chain.hasBegun) return;
    await this.table.touch(this.worker.text, new Date(this.clock.now())).catch(() => undefined);
  }
}

const toStart = ({ text }: WorkerId) =>
  ({ event: 'started', worker: text, host: hostname(), process: process.pid }) as const;

const toPending = (at: Date, event: ChainEvent): Pending => ({
  at,
  isUnauthenticated: false,
  describe: () => toChainRecordEvent(event),
});

function withShortReason({ reason, ...event }: AuditEvent): AuditEvent {
  return { ...event, ...(reason !== undefined && { reason: reason.slice(0, MAX_REASON_LENGTH) }) };
}

const SEQUENCE_LENGTH = 36 ** 6;
let sequence = 0;

/** Ids sort by time, then by sequence number. They use digits and lower-case letters, which all databases sort alike. */
function generateId(at: Date): string {
  sequence = (sequence + 1) % SEQUENCE_LENGTH;
  const [time, number] = [at.getTime().toString(36).padStart(9, '0'), sequence.toString(36).padStart(6, '0')];
  return `${time}${number}${randomBytes(6).toString('hex')}`;
}
