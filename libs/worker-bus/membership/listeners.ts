/** A set of listeners of one event. */
export class Listeners<T> {
  private readonly listeners = new Set<(event: T) => void>();

  add(listener: (event: T) => void): () => void {
    const own = (event: T): void => listener(event);
    this.listeners.add(own);
    return () => this.listeners.delete(own);
  }

  notify(event: T): void {
    for (const listener of this.listeners) listener(event);
  }
}
