import type { Clock } from '#lib/time';
import { PROBE_INTERVAL_MS, WINDOW_BYTES } from '../protocol.js';

/** Limits how much may be sent before the other side reports that it consumed some of it. */
export class CreditWindow {
  private usedBytes = 0;
  private consumedBytes = 0;
  private isOpen = false;
  private wake = (): void => {};

  constructor(
    private readonly timer: Clock,
    /** Called each `PROBE_INTERVAL_MS` while a sender waits for room. */
    private readonly probe: () => void,
  ) {}

  /** True if this many bytes can be sent now. An empty window admits more than its size. */
  canSend(bytes: number): boolean {
    const unconsumed = this.usedBytes - this.consumedBytes;
    return this.isOpen || unconsumed <= 0 || unconsumed + bytes <= WINDOW_BYTES;
  }

  /** True if this many bytes, sent one after another, would not exhaust the window. */
  hasRoomFor(bytes: number): boolean {
    return this.usedBytes - this.consumedBytes + bytes <= WINDOW_BYTES;
  }

  consume(bytes: number): void {
    this.usedBytes += bytes;
  }

  credit(consumedBytes: number): void {
    // A credit cannot exceed what was sent. A late credit may report less than an earlier one.
    this.consumedBytes = Math.min(this.usedBytes, Math.max(this.consumedBytes, consumedBytes));
    this.wake();
  }

  /** Resolves once this many bytes may be sent, or once the window is open. */
  async waitForRoom(bytes: number): Promise<void> {
    while (!this.canSend(bytes)) await this.waitForChange();
  }

  /** Releases every waiting sender, now and later. */
  open(): void {
    this.isOpen = true;
    this.wake();
  }

  private waitForChange(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.timer.after(PROBE_INTERVAL_MS, () => {
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
