const LINE_FEED = 0x0a;

/** A line exceeds the maximum length. */
export class LineOverflow extends Error {
  override readonly name = 'LineOverflow';
}

/** Splits a byte stream into lines and buffers at most one unfinished line of at most `maxBytes`. */
export class LineSplitter {
  private unfinished: Buffer[] = [];
  private bufferedBytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** Returns the lines that the chunk completes, without line ends. Throws LineOverflow; call `reset` afterwards. */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      lines.push(this.complete(chunk.subarray(from, end)));
      from = end + 1;
    }
    if (from < chunk.length) this.buffer(chunk.subarray(from));
    return lines;
  }

  /** Returns the bytes after the last line end. */
  remainder(): Buffer {
    return this.complete(Buffer.alloc(0));
  }

  /** Clears the buffer after an overflow. Returns the beginning of the line that was too long. */
  reset(): string {
    const start = this.unfinished[0]?.toString('utf8', 0, 2_000) ?? '';
    this.unfinished = [];
    this.bufferedBytes = 0;
    return start;
  }

  private buffer(rest: Buffer): void {
    this.checkSize(rest.length);
    this.unfinished.push(rest);
    this.bufferedBytes += rest.length;
  }

  private complete(rest: Buffer): Buffer {
    this.checkSize(rest.length);
    const line = this.bufferedBytes === 0 ? rest : Buffer.concat([...this.unfinished, rest]);
    this.unfinished = [];
    this.bufferedBytes = 0;
    return line;
  }

  private checkSize(incoming: number): void {
    if (this.bufferedBytes + incoming > this.maxBytes)
      throw new LineOverflow(`A line is longer than ${this.maxBytes} bytes`);
  }
}
