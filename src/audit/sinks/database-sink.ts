import type { Clock } from '#lib/time';
import { DATABASE_SINK, type ChainedRecord } from '../audit-record.js';
import type { AuditTable } from '../audit-table.js';
import { AuditSink } from './audit-sink.js';

/** Writes records to the database, from which the admin API reads them. */
export class DatabaseSink extends AuditSink {
  readonly name = DATABASE_SINK;

  constructor(
    private readonly table: AuditTable,
    private readonly clock: Clock,
  ) {
    super();
  }

  write(records: readonly ChainedRecord[]): Promise<void> {
    return this.table.insert(records, new Date(this.clock.now()));
  }
}
