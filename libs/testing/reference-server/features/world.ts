import { CallCounters } from './call-counters.js';

export type WorldChange =
  { kind: 'tools' } | { kind: 'prompts' } | { kind: 'resources' } | { kind: 'content'; uri: string };

export type ListName = 'tools' | 'prompts' | 'resources';

/** State shared by all sessions and requests of one reference server: lists, contents, gates and counters. */
export class ReferenceWorld {
  readonly calls = new CallCounters();
  /** What clients noted with the extension of a vendor, and how they answered its requests. */
  readonly notes: string[] = [];
  private readonly extras = new Set<ListName>();
  private readonly descriptions = new Map<string, string>();
  private readonly revisions = new Map<string, number>();
  private readonly visits = new Set<string>();
  private readonly gates = new Map<string, { opened: Promise<void>; open(): void }>();
  private readonly listeners = new Set<(change: WorldChange) => void>();

  note(text: string): void {
    this.notes.push(text);
  }

  /** Whether the list contains its extra entry. */
  hasExtra(list: ListName): boolean {
    return this.extras.has(list);
  }

  /** Adds the extra entry to a list or removes it, and notifies all listeners. */
  toggleExtra(list: ListName): void {
    if (!this.extras.delete(list)) this.extras.add(list);
    this.notifyListeners({ kind: list });
  }

  /** The changed description of a tool, if it was changed. */
  descriptionOf(tool: string): string | undefined {
    return this.descriptions.get(tool);
  }

  /** Changes the description of a tool, or restores the original, and notifies all listeners. */
  setDescription(tool: string, description?: string): void {
    if (description === undefined) this.descriptions.delete(tool);
    else this.descriptions.set(tool, description);
    this.notifyListeners({ kind: 'tools' });
  }

  /** Number of changes of a resource. */
  revisionOf(uri: string): number {
    return this.revisions.get(uri) ?? 0;
  }

  touch(uri: string): void {
    this.revisions.set(uri, this.revisionOf(uri) + 1);
    this.notifyListeners({ kind: 'content', uri });
  }

  /** Records a visit and returns whether it was recorded before. The second request counts as visited. */
  markVisited(visitId: string): boolean {
    const known = this.visits.has(visitId);
    this.visits.add(visitId);
    return known;
  }

  /** Resolves once `release(key)` has been called. Rejects when the signal aborts. */
  async waitForRelease(key: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(new Error('aborted'));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([this.gate(key).opened, aborted]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Releases all current and later waiters of a key. */
  release(key: string): void {
    this.gate(key).open();
  }

  /** Returns a function that removes the listener. */
  onChange(listener: (change: WorldChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private notifyListeners(change: WorldChange): void {
    for (const listener of this.listeners) listener(change);
  }

  private gate(key: string): { opened: Promise<void>; open(): void } {
    let gate = this.gates.get(key);
    if (!gate) {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = { opened: promise, open: resolve };
      this.gates.set(key, gate);
    }
    return gate;
  }
}
