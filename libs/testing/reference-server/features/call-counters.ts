/** How often a tool was started, and how the calls ended. */
export interface ToolCounts {
  started: number;
  finished: number;
  failed: number;
  cancelled: number;
  /** Rounds of questions that went to the client. */
  asked: number;
}

export type CallEvent = keyof ToolCounts;

interface Waiter {
  tool: string;
  event: CallEvent;
  count: number;
  wake(): void;
}

/** Counts the calls of one reference server, so that a test can wait for a call instead of sleeping. */
export class CallCounters {
  private readonly counts = new Map<string, ToolCounts>();
  private waiters: Waiter[] = [];

  of(tool: string): Readonly<ToolCounts> {
    return { ...this.entry(tool) };
  }

  /** Resolves once `event` has happened `count` times for `tool`. */
  async until(tool: string, event: CallEvent, count = 1): Promise<void> {
    if (this.entry(tool)[event] >= count) return;
    await new Promise<void>((wake) => this.waiters.push({ tool, event, count, wake }));
  }

  record(tool: string, event: CallEvent): void {
    const entry = this.entry(tool);
    entry[event] += 1;
    const isDue = (waiter: Waiter): boolean =>
      waiter.tool === tool && waiter.event === event && waiter.count <= entry[event];
    const due = this.waiters.filter(isDue);
    this.waiters = this.waiters.filter((waiter) => !isDue(waiter));
    for (const waiter of due) waiter.wake();
  }

  private entry(tool: string): ToolCounts {
    let entry = this.counts.get(tool);
    if (!entry) {
      entry = { started: 0, finished: 0, failed: 0, cancelled: 0, asked: 0 };
      this.counts.set(tool, entry);
    }
    return entry;
  }
}
