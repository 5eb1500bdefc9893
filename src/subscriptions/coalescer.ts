import type { McpNotification } from '#lib/mcp-protocol';

const QUIET_MS = 100;

/** Makes one notification out of a burst of the same kind. */
export class Coalescer {
  private readonly pending = new Map<string, NodeJS.Timeout>();
  private isClosed = false;

  constructor(private readonly send: (notification: McpNotification) => void) {}

  add({ method }: McpNotification): void {
    if (this.isClosed || this.pending.has(method)) return;
    const timer = setTimeout(() => {
      this.pending.delete(method);
      this.send({ method, params: {} });
    }, QUIET_MS);
    this.pending.set(method, timer.unref());
  }

  /** Nothing is sent from now on. */
  close(): void {
    this.isClosed = true;
    for (const timer of this.pending.values()) clearTimeout(timer);
    this.pending.clear();
  }
}
