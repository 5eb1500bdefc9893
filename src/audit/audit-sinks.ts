import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '#lib/time';
import { Database } from '../database/index.js';
import { classOf, type AuditClass, type ChainedRecord, type LostRecords } from './audit-record.js';
import { AuditTable } from './audit-table.js';
import { AuditConfig } from './audit.config.js';
import { DatabaseSink } from './sinks/database-sink.js';
import { SinkQueue, type AuditSinkStatus } from './sinks/sink-queue.js';
import { createStreamSink } from './sinks/stream-target.js';

/** With `refuse-calls`, the calls in flight when the buffer becomes full may still be records: so many times the buffer at most. */
const IN_FLIGHT_FACTOR = 2;
/** How long a shutdown waits for sinks, in milliseconds. */
const CLOSE_TIMEOUT_MS = 3_000;

/** The database and the streams that receive audit records, each with a queue of its own. */
@Injectable()
export class AuditSinks {
  private readonly logger = new Logger('Audit');
  private readonly database: SinkQueue;
  private readonly streams: readonly SinkQueue[];
  private readonly listeners = new Set<() => void>();
  private onLost: (event: LostRecords) => void = () => undefined;

  constructor(
    database: Database,
    private readonly config: AuditConfig,
    private readonly clock: Clock,
  ) {
    const callbacks = {
      onStateChange: () => this.listeners.forEach((listener) => listener()),
      onLost: (event: LostRecords) => this.onLost(event),
    };
    const max = config.whenFull === 'refuse-calls' ? IN_FLIGHT_FACTOR * config.buffer : config.buffer;
    this.database = new SinkQueue(new DatabaseSink(new AuditTable(database), clock), max, callbacks, clock);
    const sinks = config.streams.map((stream) => createStreamSink(stream, clock));
    this.streams = sinks.map((sink) => new SinkQueue(sink, max, callbacks, clock));
  }

  private get queues(): readonly SinkQueue[] {
    return [this.database, ...this.streams];
  }

  /** True while a call that would be a record must be refused. */
  get refusesCalls(): boolean {
    const { whenFull, buffer } = this.config;
    if (whenFull !== 'refuse-calls') return false;
    return this.database.length >= buffer || this.streams.some(({ length }) => length >= buffer);
  }

  /** The state of each sink: the database first, then the streams. */
  status(): readonly AuditSinkStatus[] {
    return this.queues.map((queue) => queue.status());
  }

  /** Calls the listener after a sink went down or came up. Returns a function that unsubscribes. */
  onStateChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Sets what happens when a sink that lost records is up again. */
  reportLossesTo(onLost: (event: LostRecords) => void): void {
    this.onLost = onLost;
  }

  /** Begins to write records to each sink. */
  add(records: readonly ChainedRecord[]): void {
    for (const queue of this.queues) queue.add(records);
  }

  /** How many records of a class wait for the database. */
  countWaiting(recordClass: AuditClass): number {
    return this.database.count((record) => classOf(record) === recordClass);
  }

  /** Resolves when the database has all records, or when writing them has failed for now. */
  flush(): Promise<void> {
    return this.database.flush();
  }

  /** Returns what sinks have lost and no record names yet, before the last record of the chain. Nothing is discarded afterwards. */
  endDiscarding(): readonly LostRecords[] {
    return this.queues.flatMap((queue) => queue.endDiscarding() ?? []);
  }

  /** Writes what waits and closes the streams. A sink that is down does not delay the shutdown for long. */
  async close(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.clock.after(CLOSE_TIMEOUT_MS, resolve);
    await Promise.race([Promise.all(this.queues.map((queue) => queue.flush())), late]);
    for (const { sink, buffered } of this.status())
      if (buffered > 0) this.logger.error(`${buffered} audit records are lost: the sink ${sink} is down.`);
    await Promise.race([Promise.all(this.queues.map((queue) => queue.close())), late]);
    cancel();
  }
}
