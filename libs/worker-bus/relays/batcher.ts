interface PendingItem<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * Gathers what is asked for within one turn of the event loop and sends it together: under load that is ten items, and
 * what each costs at Redis and at the socket is shared by all. Alone, an item waits for the end of its turn only.
 */
export class Batcher<Item, Answer> {
  private readonly groups = new Map<string, PendingItem<Item, Answer>[]>();

  /** `send` gets items of one key, in their order, at most so many, and answers each. */
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
