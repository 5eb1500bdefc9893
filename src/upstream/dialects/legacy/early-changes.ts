import type { McpNotification } from '#lib/mcp-protocol';

/** Maximum number of different changes. Beyond it everything counts as changed. */
const MAX_CHANGES = 1_000;

/** Collects the changes that a server announces before it has answered a subscription, each of them once. */
export class EarlyChanges {
  private readonly changes = new Map<string, McpNotification>();
  private hasOverflown = false;

  add(change: McpNotification): void {
    if (this.hasOverflown) return;
    this.changes.set(JSON.stringify([change.method, change.params['uri']]), change);
    this.hasOverflown = this.changes.size > MAX_CHANGES;
    if (this.hasOverflown) this.changes.clear();
  }

  /** Returns the changes. `all`: those to return when there were too many. */
  take(all: () => readonly McpNotification[]): readonly McpNotification[] {
    return this.hasOverflown ? all() : [...this.changes.values()];
  }
}
