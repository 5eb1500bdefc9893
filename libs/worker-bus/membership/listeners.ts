/** Who wants to be told of something. */
export class Listeners<T> {
  private readonly listeners = new Set<(about: T) => void>();

  add(listener: (about: T) => void): () => void {
    const own = (about: T): void => listener(about);
    this.listeners.add(own);
    return () => this.listeners.delete(own);
  }

  notify(about: T): void {
    for (const listener of this.listeners) listener(about);
  }
}
