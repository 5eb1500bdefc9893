import { open, stat, type FileHandle } from 'node:fs/promises';
import type { ChainedRecord } from '../audit-record.js';
import { AuditSink, toLine } from './audit-sink.js';

const OWNER_ONLY = 0o600;

/**
 * Appends records to a file, one JSON object a line. Before each batch it looks whether the path is still the open file: after a
 * rotation it opens a new one, so that no signal is needed. Several workers may append to one file.
 */
export class FileSink extends AuditSink {
  private file: FileHandle | undefined;
  /** The rest of a batch that a full disk cut, and the last record of that batch. */
  private rest: { readonly bytes: Buffer; readonly hash: string } | undefined;

  constructor(
    readonly name: string,
    private readonly path: string,
  ) {
    super();
  }

  async write(records: readonly ChainedRecord[]): Promise<void> {
    let rest = records;
    if (this.rest) {
      const { hash } = this.rest;
      const isSame = (record: ChainedRecord) => record.chain.hash === hash;
      await this.append(this.rest.bytes, hash);
      rest = records.slice(records.findIndex(isSame) + 1);
    }
    const last = rest.at(-1);
    if (last) await this.append(Buffer.from(rest.map((record) => `${toLine(record)}\n`).join('')), last.chain.hash);
  }

  override async close(): Promise<void> {
    await this.file?.close();
    this.file = undefined;
  }

  /** Continues after a failure where it stopped, so that no line is cut or written twice. */
  private async append(bytes: Buffer, hash: string): Promise<void> {
    let written = 0;
    try {
      const file = await this.openCurrent();
      while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten;
      this.rest = undefined;
    } catch (cause) {
      this.rest = written > 0 || this.rest ? { bytes: bytes.subarray(written), hash } : undefined;
      throw cause;
    }
  }

  private async openCurrent(): Promise<FileHandle> {
    if (this.file && !(await this.isCurrent(this.file))) await this.close();
    return (this.file ??= await open(this.path, 'a', OWNER_ONLY));
  }

  private async isCurrent(file: FileHandle): Promise<boolean> {
    const [opened, found] = await Promise.all([file.stat(), stat(this.path).catch(() => undefined)]);
    return found !== undefined && found.ino === opened.ino && found.dev === opened.dev;
  }
}
