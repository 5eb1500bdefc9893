/** Callers whose last calls are remembered; of older ones it is assumed that they called just before the next. */
const MOST_REMEMBERED = 10_000;

interface Called {
  /** A moment of the list cache. */
  readonly mark: number;
  /** On the clock of `performance.now()`. */
  readonly at: number;
}

const NEVER: Called = { mark: 0, at: Number.NEGATIVE_INFINITY };

/** Remembers when a caller's last call of a tool at a server ended: it may have changed what the server offers. */
export class CallMarks {
  private readonly calls = new Map<string, Called>();
  private forgotten = NEVER;

  note(slug: string, caller: string, mark: number): void {
    const key = `${slug} ${caller}`;
    this.calls.delete(key);
    this.calls.set(key, { mark, at: performance.now() });
    if (this.calls.size <= MOST_REMEMBERED) return;
    const [oldest] = this.calls;
    if (!oldest) return;
    this.calls.delete(oldest[0]);
    this.forgotten = oldest[1];
  }

  last(slug: string, caller: string): Called {
    return this.calls.get(`${slug} ${caller}`) ?? this.forgotten;
  }
}
