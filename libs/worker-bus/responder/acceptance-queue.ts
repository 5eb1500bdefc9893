interface Entry {
  /** Set once the claim is decided. */
  proceed: (() => void) | undefined;
}

/**
 * Starts the requests of one queue in the order of arrival, although their claims are sent at once and decided in any
 * order. It orders the starts only: no request waits for the end of another.
 */
export class AcceptanceQueue {
  private readonly queues = new Map<string, Entry[]>();

  /** Number of queues that wait for a decision. */
  get size(): number {
    return this.queues.size;
  }

  /** Calls `proceed` once this claim and all earlier ones of the queue are decided. `decided` must not reject. */
  enter<T>(queue: string | undefined, decided: Promise<T>, proceed: (decision: T) => void): void {
    if (queue === undefined) {
      void decided.then(proceed);
      return;
    }
    const entry: Entry = { proceed: undefined };
    const entries = this.queues.get(queue) ?? [];
    this.queues.set(queue, entries);
    entries.push(entry);
    void decided.then((decision) => {
      entry.proceed = () => proceed(decision);
      this.advance(queue, entries);
    });
  }

  private advance(queue: string, entries: Entry[]): void {
    for (let proceed = entries[0]?.proceed; proceed !== undefined; proceed = entries[0]?.proceed) {
      entries.shift();
      proceed();
    }
    if (entries.length === 0 && this.queues.get(queue) === entries) this.queues.delete(queue);
  }
}
