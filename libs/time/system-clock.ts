import { Clock } from './clock.js';

/** The clock of the operating system and the timers of Node. */
export class SystemClock extends Clock {
  override now(): number {
    return Date.now();
  }

  override monotonicNow(): number {
    return performance.now();
  }

  // When this process was busy, timers run before it reads what has arrived meanwhile. Work that judges an answer late
  // must run after that, or every stall of this process would look like a failure of the other side. The immediates stay
  // referenced: an idle event loop does not run others before its next event.

  override after(ms: number, run: () => void): () => void {
    let immediate: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => (immediate = setImmediate(run)), ms).unref();
    return () => {
      clearTimeout(timer);
      if (immediate) clearImmediate(immediate);
    };
  }

  override every(ms: number, run: () => void): () => void {
    let immediate: NodeJS.Immediate | undefined;
    const timer = setInterval(() => (immediate = setImmediate(run)), ms).unref();
    return () => {
      clearInterval(timer);
      if (immediate) clearImmediate(immediate);
    };
  }

  protected override keepAliveAfter(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  }
}
