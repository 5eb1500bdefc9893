import type { Writable } from 'node:stream';
import type { ChainedRecord } from '../audit-record.js';
import { AuditSink, toLine } from './audit-sink.js';

/** Writes records to the standard output, one JSON object a line, between the lines of the log. */
export class StdoutSink extends AuditSink {
  constructor(
    readonly name: string,
    private readonly output: Writable = process.stdout,
  ) {
    super();
  }

  async write(records: readonly ChainedRecord[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const lines = records.map((record) => `${toLine(record)}\n`).join('');
    this.output.write(lines, (fault) => (fault ? reject(fault) : resolve()));
    await promise;
  }
}
