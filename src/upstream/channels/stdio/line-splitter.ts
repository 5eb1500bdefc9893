const LINE_FEED = 0x0a;

/** A line exceeds the maximum length. */
export class LineOverflow extends Error {
  override readonly name = 'LineOverflow';
}

/** Splits a byte stream into lines and buffers at most one unfinished line of at most `maxBytes`. */
export class LineSplitter {
  private unfinished: Buffer[] = [];
  private held = 0;

  constructor(private readonly maxBytes: number) {}

  /** Returns the lines that the chunk completes, without line ends. Throws LineOverflow; call `reset` afterwards. */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      lines.push(this.complete(chunk.subarray(from, end)));
      from = end + 1;
    }
    if (from < chunk.length) this.keep(chunk.subarray(from));
    return lines;
  }

  /** Returns the bytes after the last line end. */
  rest(): Buffer {
    return this.complete(Buffer.alloc(0));
  }

  /** Clears the buffer after an overflow. Returns the beginning of the line that was too long. */
  drop(): string {
    const start = this.unfinished[0]?.toString('utf8', 0, 2_000) ?? '';
    this.unfinished = [];
    this.held = 0;
    return start;
  }

  private keep(rest: Buffer): void {
    this.guard(rest.length);
    this.unfinished.push(rest);
    this.held += rest.length;
  }

  private complete(rest: Buffer): Buffer {
    this.guard(rest.length);
    const line = this.held === 0 ? rest : Buffer.concat([...this.unfinished, rest]);
    this.unfinished = [];
    this.held = 0;
    return line;
  }

  private guard(incoming: number): void {
    if (this.held + incoming > this.maxBytes) throw new LineOverflow(`A line is longer than ${this.maxBytes} bytes`);
  }
}
