import { Clock } from './clock.js';

/** The clock of the operating system and the timers of Node. */
export class SystemClock extends Clock {
  override now(): number {
    return Date.now();
  }

  override monotonicNow(): number {
    return performance.now();
  }

  override after(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  }

  override every(ms: number, run: () => void): () => void {
    const timer = setInterval(run, ms).unref();
    return () => clearInterval(timer);
  }

  override timeoutSignal(ms: number): AbortSignal {
    return AbortSignal.timeout(ms);
  }

  protected override keepAliveAfter(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  }
}
