import type { McpNotification } from '#lib/mcp-protocol';

const QUIET_MS = 100;

/** Makes one notification out of a burst of the same kind. */
export class Coalescer {
  private readonly pending = new Map<string, NodeJS.Timeout>();

  constructor(private readonly send: (notification: McpNotification) => void) {}

  add(notification: McpNotification): void {
    const { method } = notification;
    if (this.pending.has(method)) return;
    const timer = setTimeout(() => {
      this.pending.delete(method);
      this.send({ method, params: {} });
    }, QUIET_MS);
    this.pending.set(method, timer.unref());
  }

  close(): void {
    for (const timer of this.pending.values()) clearTimeout(timer);
    this.pending.clear();
  }
}
