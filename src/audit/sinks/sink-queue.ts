import { Logger } from '@nestjs/common';
import type { Clock } from '#lib/time';
import type { ChainedRecord, LostRecords } from '../audit-record.js';
import type { AuditSink } from './audit-sink.js';
import { describeCause } from './describe-cause.js';
import { LostRanges } from './lost-ranges.js';

const MAX_BATCH_SIZE = 200;
const RETRY_DELAY_MS = 1_000;

/** The state of one sink of audit records. */
export interface AuditSinkStatus {
  readonly sink: string;
  /** False since a write failed, until one succeeds. */
  readonly isUp: boolean;
  /** When the sink came into this state. */
  readonly since: Date;
  /** Why the last write failed, without credentials. Absent: the sink is up. */
  readonly reason?: string;
  /** Records that wait to be written. */
  readonly buffered: number;
  /** Records that were discarded because too many waited, since the start of the worker. */
  readonly lost: number;
}

/** Notified by a queue. */
export interface QueueCallbacks {
  /** The sink went down or came up. */
  onStateChange(): void;
  /** Records were lost, and the sink accepts records again. */
  onLost(event: LostRecords): void;
}

interface Waiter {
  /** Sequence number of the record whose writing is awaited. */
  readonly sequence: number;
  readonly resolve: () => void;
}

/** Records that wait for one sink. They are written in batches, in the order of the chain, and retried while the sink is down. */
export class SinkQueue {
  private readonly logger = new Logger('Audit');
  private waiting: ChainedRecord[] = [];
  private waiters: Waiter[] = [];
  private inFlight = 0;
  private isWriting = false;
  private cancelRetry: (() => void) | undefined;
  private isUp = true;
  private since: number;
  private reason: string | undefined;
  private lost = 0;
  private lostRanges: LostRanges | undefined;
  private mayDiscard = true;

  constructor(
    private readonly sink: AuditSink,
    /** Maximum number of records that wait. */
    private readonly max: number,
    private readonly callbacks: QueueCallbacks,
    private readonly clock: Clock,
  ) {
    this.since = clock.now();
  }

  get length(): number {
    return this.waiting.length;
  }

  count(isCounted: (record: ChainedRecord) => boolean): number {
    return this.waiting.reduce((sum, record) => sum + Number(isCounted(record)), 0);
  }

  status(): AuditSinkStatus {
    const { isUp, since, reason, lost, waiting, sink } = this;
    const state = { sink: sink.name, isUp, since: new Date(since), buffered: waiting.length, lost };
    return { ...state, ...(reason !== undefined && { reason }) };
  }

  /**
   * Adds records and begins to write them; while the sink is down, the next attempt is that of the retry timer. Beyond the maximum
   * the oldest records are discarded, except those that are being written.
   */
  add(records: readonly ChainedRecord[]): void {
    this.waiting.push(...records);
    this.discardSurplus();
    if (this.isUp) this.startWriting();
  }

  /** Writes what waits, also before the retry timer. Resolves when that is written, or when writing has failed for now. */
  async flush(): Promise<void> {
    const awaited = this.waiting.at(-1);
    if (awaited === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiters.push({ sequence: awaited.chain.sequence, resolve });
    this.startWriting();
    await promise;
  }

  /**
   * Returns what the sink has lost and no record names yet. From now on nothing is discarded: a loss after the last record of the
   * chain could not be recorded.
   */
  endDiscarding(): LostRecords | undefined {
    this.mayDiscard = false;
    return this.takeLoss();
  }

  async close(): Promise<void> {
    this.cancelRetry?.();
    await this.sink.close();
  }

  private discardSurplus(): void {
    const surplus = this.waiting.length - this.max;
    if (surplus <= 0 || !this.mayDiscard) return;
    const discarded = this.waiting.splice(this.inFlight, surplus);
    if (this.lostRanges === undefined)
      this.logger.error(`Audit records are lost: ${this.max} wait for the sink ${this.sink.name}, which is down.`);
    this.lostRanges ??= new LostRanges(this.sink.name);
    for (const record of discarded) this.lostRanges.add(record);
    this.lost += discarded.length;
  }

  private startWriting(): void {
    if (!this.isWriting) void this.writeAll();
  }

  private async writeAll(): Promise<void> {
    this.isWriting = true;
    this.cancelRetry?.();
    this.cancelRetry = undefined;
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, MAX_BATCH_SIZE);
      this.inFlight = batch.length;
      try {
        await this.sink.write(batch);
      } catch (cause) {
        this.markDown(cause);
        break;
      } finally {
        this.inFlight = 0;
      }
      this.waiting.splice(0, batch.length);
      this.markUp();
      this.resolveUpTo(batch.at(-1)?.chain.sequence ?? 0);
    }
    // Everything is written, or writing has failed for now. No `await` in between: the next record that is added restarts this.
    this.isWriting = false;
    this.resolveUpTo(Infinity);
  }

  private resolveUpTo(sequence: number): void {
    const { waiters } = this;
    this.waiters = waiters.filter((waiter) => waiter.sequence > sequence);
    for (const waiter of waiters) if (waiter.sequence <= sequence) waiter.resolve();
  }

  private markUp(): void {
    if (!this.isUp) {
      this.reason = undefined;
      this.changeState(true);
      this.logger.log(`The audit sink ${this.sink.name} is up again.`);
    }
    const loss = this.takeLoss();
    if (loss) this.callbacks.onLost(loss);
  }

  private takeLoss(): LostRecords | undefined {
    const { lostRanges } = this;
    this.lostRanges = undefined;
    return lostRanges?.toEvent();
  }

  private markDown(cause: unknown): void {
    this.reason = describeCause(cause);
    if (this.isUp) {
      this.changeState(false);
      const { length } = this.waiting;
      this.logger.error(`Failed to write ${length} audit records to ${this.sink.name}, retrying: ${this.reason}`);
    }
    this.cancelRetry ??= this.clock.after(RETRY_DELAY_MS, () => {
      this.cancelRetry = undefined;
      this.startWriting();
    });
  }

  private changeState(isUp: boolean): void {
    this.isUp = isUp;
    this.since = this.clock.now();
    this.callbacks.onStateChange();
  }
}
