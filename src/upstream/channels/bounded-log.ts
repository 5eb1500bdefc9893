import type { LoggerService } from '@nestjs/common';
import type { Clock } from '#lib/time';

const WINDOW_MS = 10_000;
const MAX_LINES = 100;
const MAX_CHARS = 2_000;

// Control and format characters could change what an operator's terminal shows.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu;

/** Writes foreign text to the log: one printable line per text, with a bounded length and a bounded rate. */
export class BoundedLog {
  private windowStart = Number.NEGATIVE_INFINITY;
  private linesInWindow = 0;
  private dropped = 0;

  constructor(
    private readonly logger: Pick<LoggerService, 'log' | 'warn'>,
    private readonly prefix: string,
    private readonly clock: Clock,
  ) {}

  write(text: string): void {
    const line = text.slice(0, MAX_CHARS).replace(UNPRINTABLE, ' ').trim();
    if (line === '' || !this.admit()) return;
    this.logger.log(`${this.prefix}${line}${text.length > MAX_CHARS ? '…' : ''}`);
  }

  /** Logs the number of dropped lines, if there are any. */
  flush(): void {
    if (this.dropped > 0) this.logger.warn(`${this.prefix}${this.dropped} more lines were dropped`);
    this.dropped = 0;
  }

  private admit(): boolean {
    const now = this.clock.monotonicNow();
    if (now - this.windowStart > WINDOW_MS) {
      this.flush();
      this.windowStart = now;
      this.linesInWindow = 0;
    }
    if (++this.linesInWindow <= MAX_LINES) return true;
    this.dropped++;
    return false;
  }
}
