import type { Clock } from '#lib/time';

/** How long a line waits for others, in milliseconds. */
const BATCH_MS = 10;
/** Size of a batch that is written at once, in characters. */
const MAX_BATCH_LENGTH = 64 * 1024;

/** Batches with lines that are not written yet. */
const waiting = new Set<BatchedLines>();

let flushesAtExit = false;

/** Also when the process exits because of a fault, no line is lost. */
function flushAtExit(): void {
  if (flushesAtExit) return;
  flushesAtExit = true;
  process.once('exit', () => waiting.forEach((batch) => batch.flush()));
}

/** Writes lines together: a write for each line of a busy log costs more than all else about the line. */
export class BatchedLines {
  private lines: string[] = [];
  private length = 0;
  private cancelFlush: (() => void) | undefined;

  constructor(
    private readonly write: (text: string) => void,
    private readonly clock: Clock,
  ) {}

  /** Writes a line, which ends with a line break, within `BATCH_MS`. */
  push(line: string): void {
    flushAtExit();
    waiting.add(this);
    this.lines.push(line);
    this.length += line.length;
    if (this.length >= MAX_BATCH_LENGTH) this.flush();
    else this.cancelFlush ??= this.clock.after(BATCH_MS, () => this.flush());
  }

  /** Writes what waits. */
  flush(): void {
    this.cancelFlush?.();
    this.cancelFlush = undefined;
    if (!waiting.delete(this)) return;
    const text = this.lines.join('');
    this.lines = [];
    this.length = 0;
    this.write(text);
  }
}
