import type { ChainedRecord } from '../audit-record.js';

/** Stores or sends audit records, in the order of the chain. */
export abstract class AuditSink {
  /** Names the sink in records, log lines and metrics: `database`, or the URL of a stream. */
  abstract readonly name: string;

  /**
   * Resolves when the sink has accepted all of these records. After a rejection the same records are written again; a sink that
   * cannot recognize them may then have some of them twice.
   */
  abstract write(records: readonly ChainedRecord[]): Promise<void>;

  /** Releases connections and files. Writing afterwards is not supported. */
  async close(): Promise<void> {}
}

/** One JSON object, without a line break at the end. */
export const toLine = (record: ChainedRecord): string => JSON.stringify(record);
