import type { Clock } from '#lib/time';

/** Limits the time that an interceptor takes itself: not the time in which the server works or the caller answers. */
export class OwnTime {
  private leftMs: number;
  private startedAt = 0;
  private waits = 0;
  private hasStopped = false;
  /** One timer, which a pause does not touch: making one for each part of the time would cost more than the call itself. */
  private cancel: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    limitMs: number,
    private readonly onExceeded: () => void,
  ) {
    this.leftMs = limitMs;
    this.start();
  }

  /** Does not count while the promise is pending. */
  async pauseWhile<T>(work: Promise<T>): Promise<T> {
    this.pause();
    try {
      return await work;
    } finally {
      this.resume();
    }
  }

  /** Does not count until `resume`. Pauses may overlap. */
  pause(): void {
    this.waits += 1;
    if (this.waits === 1) this.leftMs -= this.clock.monotonicNow() - this.startedAt;
  }

  resume(): void {
    this.waits -= 1;
    if (this.waits === 0 && !this.hasStopped) this.start();
  }

  stop(): void {
    this.hasStopped = true;
    this.cancel?.();
  }

  private start(): void {
    this.startedAt = this.clock.monotonicNow();
    this.cancel ??= this.clock.after(Math.max(this.leftMs, 0), () => this.check());
  }

  /** What was paused may have time left. */
  private check(): void {
    this.cancel = undefined;
    if (this.waits > 0) return;
    this.leftMs -= this.clock.monotonicNow() - this.startedAt;
    if (this.leftMs <= 0) this.onExceeded();
    else this.start();
  }
}
