/** Maximum number of stored call times. An evicted caller is treated as if it had called at the last evicted time. */
const MOST_REMEMBERED = 10_000;

interface Called {
  /** A sequence number of the list cache. */
  readonly mark: number;
  /** On the clock of `performance.now()`. */
  readonly at: number;
}

const NEVER: Called = { mark: 0, at: Number.NEGATIVE_INFINITY };

/** Stores when the last tool call of a caller at a server ended, because the call may have changed the server's lists. */
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
