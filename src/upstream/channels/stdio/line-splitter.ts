const LINE_FEED = 0x0a;

/** A line is longer than allowed. */
export class LineOverflow extends Error {
  override readonly name = 'LineOverflow';
}

/** Cuts a byte stream into lines, holding at most one unfinished line of at most `maxBytes`. */
export class LineSplitter {
  private unfinished: Buffer[] = [];
  private bufferedBytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** The lines that the chunk completes, without their ends. Throws LineOverflow; `drop` starts over then. */
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

  /** What came after the last line end. */
  remainder(): Buffer {
    return this.complete(Buffer.alloc(0));
  }

  /** Starts over after an overflow; returns the beginning of what did not fit. */
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
