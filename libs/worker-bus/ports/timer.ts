/** Time port. The bus never reads the clock of the machine directly, so that tests can control time. */
export abstract class Timer {
  /** Returns the milliseconds since an arbitrary moment; never decreases. */
  abstract now(): number;

  /** Calls `run` once, after `ms` milliseconds. Returns a function that cancels it. Does not keep the process alive. */
  abstract after(ms: number, run: () => void): () => void;
}

/** The clock of the machine. */
export class SystemTimer extends Timer {
  override now(): number {
    return performance.now();
  }

  override after(ms: number, run: () => void): () => void {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  }
}
