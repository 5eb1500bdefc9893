/** A map that holds a fixed number of entries: setting one more evicts the entry that was used least recently. */
export class RecentMap<V> {
  private readonly entries = new Map<string, V>();

  constructor(private readonly capacity: number) {}

  get(key: string): V | undefined {
    const value = this.entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.entries.delete(key);
    const [oldest] = this.entries.keys();
    if (this.entries.size >= this.capacity && oldest !== undefined) this.entries.delete(oldest);
    this.entries.set(key, value);
  }
}
