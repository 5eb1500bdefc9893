/**
 * Tells the time and runs work later. Code that waits or expires uses a Clock, so that tests can control time. Type
 * and injection token at once; `ClockModule` provides it.
 */
export abstract class Clock {
  /** Returns the milliseconds since the Unix epoch. May jump when the time of the machine is set. */
  abstract now(): number;

  /** Returns the milliseconds since an arbitrary moment. Never decreases: durations are measured with it. */
  abstract monotonicNow(): number;

  /**
   * Runs once after `ms` milliseconds, and after what had arrived by then was read: a stall of this process does not make
   * an answer late. Returns a function that cancels. Does not keep the process alive.
   */
  abstract after(ms: number, run: () => void): () => void;

  /** Runs every `ms` milliseconds. Returns a function that cancels. Does not keep the process alive. */
  every(ms: number, run: () => void): () => void {
    let cancel = (): void => undefined;
    const schedule = (): void => {
      cancel = this.after(ms, () => {
        schedule();
        run();
      });
    };
    schedule();
    return () => cancel();
  }

  /**
   * Resolves after `ms` milliseconds, or as soon as the signal aborts. Never rejects. Unlike timers, it keeps the
   * process alive until it resolves.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = (): void => {
        cancel();
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.keepAliveAfter(ms, end);
      signal?.addEventListener('abort', end);
    });
  }

  /** Returns a signal that aborts with a `TimeoutError` after `ms` milliseconds. Does not keep the process alive. */
  timeoutSignal(ms: number): AbortSignal {
    const controller = new AbortController();
    this.after(ms, () => controller.abort(new DOMException('The operation timed out.', 'TimeoutError')));
    return controller.signal;
  }

  /** Like `after`, for `sleep`: keeps the process alive. */
  protected keepAliveAfter(ms: number, run: () => void): () => void {
    return this.after(ms, run);
  }
}
