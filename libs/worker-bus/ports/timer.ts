/** Time for what waits. Nothing here asks the machine's clock directly, so that tests can own time. */
export abstract class Timer {
  /** Milliseconds from an arbitrary moment; never goes back. */
  abstract now(): number;

  /** Runs once, so many ms from now. Returns how to take that back. Does not keep the process alive. */
  abstract after(ms: number, run: () => void): () => void;
}

/** The machine's own time. */
export class SystemTimer extends Timer {
  override now(): number {
    return performance.now();
  }

  override after(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  }
}
