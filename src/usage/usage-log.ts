import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { CallRecord } from '#lib/extension-kit';
import { Clock } from '#lib/time';
import { Database } from '../database/index.js';
import { CallRecorder, TelemetrySink } from '../telemetry/index.js';
import { WorkerId } from '../workers/index.js';
import { UsageAggregate } from './usage-aggregate.js';
import { UsageConfig } from './usage.config.js';
import { UsageTable, type UsageBatch } from './usage-table.js';

const FLUSH_DELAY_MS = 5_000;
const PRUNE_INTERVAL_MS = 3_600_000;

/** Requests that use something of a server. Lists and handshakes are no usage. */
const USING_METHODS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/**
 * Counts the calls of this worker, and adds the counts to the hourly rows of the database every few seconds. While the
 * database is unavailable, at most two aggregates are in memory: the one that could not be written, and the current one.
 */
@Injectable()
export class UsageLog extends TelemetrySink implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Usage');
  private readonly table: UsageTable;
  private readonly current = new UsageAggregate();
  /** The batch that is being written, or whose confirmation has not arrived. It must be sent again as it is. */
  private unconfirmed: UsageBatch | undefined;
  private lastNumber = 0;
  private flushing: Promise<void> | undefined;
  private cancelFlush: (() => void) | undefined;
  private stopPruning: (() => void) | undefined;
  private lastPrune: Promise<void> | undefined;

  constructor(
    database: Database,
    private readonly recorder: CallRecorder,
    private readonly worker: WorkerId,
    private readonly config: UsageConfig,
    private readonly clock: Clock,
  ) {
    super();
    this.table = new UsageTable(database);
  }

  onApplicationBootstrap(): void {
    if (this.config.retentionMs === 0) return;
    this.recorder.addSink(this);
    const prune = () => {
      this.lastPrune = this.prune();
    };
    this.stopPruning = this.clock.every(PRUNE_INTERVAL_MS, prune);
    prune();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopPruning?.();
    await Promise.all([this.flush(), this.lastPrune]);
    this.cancelFlush?.();
  }

  record(record: CallRecord): void {
    if (record.method === undefined || !USING_METHODS.has(record.method)) return;
    this.current.add(record);
    this.scheduleFlush();
  }

  /** Writes what was counted. Resolves also when that fails; it is retried after a few seconds. */
  async flush(): Promise<void> {
    while (this.flushing) await this.flushing;
    this.flushing = this.write().finally(() => {
      this.flushing = undefined;
    });
    await this.flushing;
  }

  private scheduleFlush(): void {
    this.cancelFlush ??= this.clock.after(FLUSH_DELAY_MS, () => {
      this.cancelFlush = undefined;
      void this.flush();
    });
  }

  private async write(): Promise<void> {
    try {
      while (this.unconfirmed ?? this.current.size > 0) {
        this.unconfirmed ??= this.takeBatch();
        await this.table.add(this.unconfirmed, new Date(this.clock.now()));
        this.unconfirmed = undefined;
      }
    } catch (cause) {
      this.logger.warn(`Failed to write the usage of calls, retrying: ${String(cause)}`);
      this.scheduleFlush();
    }
  }

  private takeBatch(): UsageBatch {
    this.lastNumber += 1;
    return { worker: this.worker.text, number: this.lastNumber, rows: this.current.take() };
  }

  private async prune(): Promise<void> {
    try {
      await this.table.deleteBefore(new Date(this.clock.now() - this.config.retentionMs));
    } catch (cause) {
      this.logger.warn(`Failed to delete old usage: ${String(cause)}`);
    }
  }
}
