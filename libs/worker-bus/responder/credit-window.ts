import type { Clock } from '#lib/time';
import { PROBE_MS, WINDOW_BYTES } from '../protocol.js';

/** How much may be sent before the other side says that it has consumed some of it. */
export class CreditWindow {
  private usedBytes = 0;
  private consumedBytes = 0;
  private isOpen = false;
  private wake = (): void => {};

  constructor(
    private readonly timer: Clock,
    /** Called from time to time while somebody waits for room. */
    private readonly probe: () => void,
  ) {}

  /** True when so many bytes can be sent right now. More than the whole window fits into an empty one. */
  admits(bytes: number): boolean {
    const unconsumed = this.usedBytes - this.consumedBytes;
    return this.isOpen || unconsumed <= 0 || unconsumed + bytes <= WINDOW_BYTES;
  }

  /** True when so many bytes, sent by and by, would not exhaust it. */
  holds(bytes: number): boolean {
    return this.usedBytes - this.consumedBytes + bytes <= WINDOW_BYTES;
  }

  use(bytes: number): void {
    this.usedBytes += bytes;
  }

  credit(consumedBytes: number): void {
    // Nobody has consumed what was not sent. A late credit says less than one before it.
    this.consumedBytes = Math.min(this.usedBytes, Math.max(this.consumedBytes, consumedBytes));
    this.wake();
  }

  /** Resolves when so many bytes may be sent, or when all may. */
  async room(bytes: number): Promise<void> {
    while (!this.admits(bytes)) await this.news();
  }

  /** Whoever waits goes on, and nobody waits any more. */
  open(): void {
    this.isOpen = true;
    this.wake();
  }

  private news(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.timer.after(PROBE_MS, () => {
        this.probe();
        resolve();
      });
      this.wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
