interface Entry {
  /** Set once it is decided. */
  proceed: (() => void) | undefined;
}

/**
 * Keeps the order of arrival within a queue while claims, which are asked for at once, are answered in any order. It
 * orders the starts only: nobody waits for another one's end.
 */
export class AcceptanceQueue {
  private readonly queues = new Map<string, Entry[]>();

  /** How many queues wait for a decision. */
  get size(): number {
    return this.queues.size;
  }

  /** Calls `proceed` when this one and all that came to the queue before are decided. `decided` must not reject. */
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
