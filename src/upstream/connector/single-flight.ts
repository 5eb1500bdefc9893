/** Runs one attempt per key at a time; whoever asks meanwhile shares its end. */
export class SingleFlight<T> {
  private readonly running = new Map<string, Promise<T>>();

  run(key: string, attempt: () => Promise<T>): Promise<T> {
    const running = this.running.get(key);
    if (running !== undefined) return running;
    const started = attempt().finally(() => this.running.delete(key));
    this.running.set(key, started);
    return started;
  }
}

/** Waits for a promise no longer than the signal allows. */
export function withAbort<T>(promise: Promise<T>, signal: AbortSignal, onAbort: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(onAbort());
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
