interface PendingItem<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * Collects the items of one turn of the event loop and sends them together: under load about ten items share the cost
 * at Redis and at the socket. A single item waits only for the end of its turn.
 */
export class Batcher<Item, Answer> {
  private readonly groups = new Map<string, PendingItem<Item, Answer>[]>();

  /** `send` receives at most `maxItems` items of one key, in order, and resolves with one answer for each. */
  constructor(
    private readonly send: (key: string, items: readonly Item[]) => Promise<readonly Answer[]>,
    private readonly maxItems: number,
  ) {}

  /** Rejects as `send` does. */
  add(key: string, item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.groups.size === 0) setImmediate(() => this.flush());
      const group = this.groups.get(key);
      const waiting = { item, resolve, reject };
      if (group) group.push(waiting);
      else this.groups.set(key, [waiting]);
    });
  }

  private flush(): void {
    const groups = [...this.groups];
    this.groups.clear();
    for (const [key, group] of groups) {
      for (let from = 0; from < group.length; from += this.maxItems)
        this.sendGroup(key, group.slice(from, from + this.maxItems));
    }
  }

  private sendGroup(key: string, group: readonly PendingItem<Item, Answer>[]): void {
    const items = group.map(({ item }) => item);
    this.send(key, items).then(
      (answers) => group.forEach(({ resolve }, index) => resolve(answers[index] as Answer)),
      (cause: unknown) => {
        for (const { reject } of group) reject(cause);
      },
    );
  }
}
