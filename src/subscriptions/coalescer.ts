import { RESOURCE_UPDATED, type McpNotification } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';

/** A burst ends after this time without a change, in milliseconds. */
const QUIET_INTERVAL_MS = 100;
/** Maximum time from the first change of a burst to its notification, in milliseconds. */
const MAX_DELAY_MS = 1_000;
/** A timer that fires later than this means that the process was busy and may not have read all changes yet. */
const LATE_TIMER_THRESHOLD_MS = 20;

/** Receives a notification. An update comes with the resource URI under which it was subscribed to. */
export type NotifyChange = (change: McpNotification, resource?: string) => void;

interface Burst {
  change: McpNotification;
  readonly resource: string | undefined;
  readonly firstAt: number;
  lastAt: number;
}

/**
 * Merges a burst of changes of one list or resource into one notification. A notification always follows the last
 * change, so a client that reads on receiving it finds the whole burst.
 */
export class Coalescer {
  private readonly bursts = new Map<string, Burst>();
  private cancelTimer: (() => void) | undefined;
  private timerAt = 0;
  private state: 'open' | 'held' | 'closed';

  /** @param isHeld no notification is sent before `release` */
  constructor(
    private readonly notify: NotifyChange,
    private readonly clock: Clock,
    isHeld = false,
  ) {
    this.state = isHeld ? 'held' : 'open';
  }

  /** @param resource the URI under which the updated resource was subscribed to, which bounds the number of bursts */
  add(change: McpNotification, resource?: string): void {
    if (this.state === 'closed') return;
    const key = keyOf(change.method, resource);
    const now = this.clock.monotonicNow();
    const known = this.bursts.get(key);
    if (known) {
      known.change = merged(known.change, change, resource);
      known.lastAt = now;
    } else {
      this.bursts.set(key, { change: withoutOrigin(change, resource), resource, firstAt: now, lastAt: now });
    }
    if (this.state === 'open' && !this.cancelTimer) this.schedule(QUIET_INTERVAL_MS);
  }

  /** Sends the held notifications at once. From now on each burst is sent when it ends. */
  release(): void {
    if (this.state !== 'held') return;
    this.state = 'open';
    this.flush();
  }

  /** Sends all pending notifications at once, whether or not their bursts have ended. */
  flush(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const bursts = [...this.bursts.values()];
    this.bursts.clear();
    for (const { change, resource } of bursts) this.notify(change, resource);
  }

  /** Discards the pending update of a resource that is no longer subscribed to. */
  discard(resource: string): void {
    this.bursts.delete(keyOf(RESOURCE_UPDATED, resource));
  }

  /** Discards pending notifications and sends no more. */
  close(): void {
    this.state = 'closed';
    this.cancelTimer?.();
    this.bursts.clear();
  }

  private schedule(ms: number): void {
    this.timerAt = this.clock.monotonicNow() + ms;
    this.cancelTimer = this.clock.after(ms, () => this.notifyDue());
  }

  private notifyDue(): void {
    this.cancelTimer = undefined;
    const now = this.clock.monotonicNow();
    const isLate = now - this.timerAt > LATE_TIMER_THRESHOLD_MS;
    let nextAt = Number.POSITIVE_INFINITY;
    const due: Burst[] = [];
    for (const [key, burst] of this.bursts) {
      const quietAt = isLate ? now + LATE_TIMER_THRESHOLD_MS : burst.lastAt + QUIET_INTERVAL_MS;
      const at = Math.min(quietAt, burst.firstAt + MAX_DELAY_MS);
      if (at > now) nextAt = Math.min(nextAt, at);
      else if (this.bursts.delete(key)) due.push(burst);
    }
    if (this.bursts.size > 0) this.schedule(nextAt - now);
    for (const { change, resource } of due) this.notify(change, resource);
  }
}

const keyOf = (method: string, resource: string | undefined): string =>
  resource === undefined ? method : `${method} ${resource}`;

/** Strips the parameters of a list notification, because they could identify the server. */
const withoutOrigin = (change: McpNotification, resource: string | undefined): McpNotification =>
  resource === undefined ? { method: change.method, params: {} } : change;

/** Changes of several parts of a resource become a change of the whole. */
function merged(before: McpNotification, change: McpNotification, resource: string | undefined): McpNotification {
  if (resource === undefined || before.params['uri'] === change.params['uri']) return withoutOrigin(change, resource);
  return { method: change.method, params: { uri: resource } };
}
