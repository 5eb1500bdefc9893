import { RESOURCE_UPDATED, type McpNotification } from '#lib/mcp-protocol';

/** A burst is over when nothing has changed for so long. */
const QUIET_INTERVAL_MS = 100;
/** And told after so long even if it is not over. */
const MAX_DELAY_MS = 1_000;
/** A timer that is later than this shows that the process was busy: what changed meanwhile may not have been read yet. */
const LATE_TIMER_THRESHOLD_MS = 20;

/** Takes what is to be told; an update comes with the resource as it was subscribed to. */
export type NotifyChange = (change: McpNotification, resource?: string) => void;

interface Burst {
  change: McpNotification;
  readonly resource: string | undefined;
  readonly firstAt: number;
  lastAt: number;
}

/**
 * Makes one notification out of a burst of changes of one list or resource. The last change is always followed by one:
 * whoever reads on hearing it finds all of the burst.
 */
export class Coalescer {
  private readonly bursts = new Map<string, Burst>();
  private timer: NodeJS.Timeout | undefined;
  private timerAt = 0;
  private state: 'open' | 'held' | 'closed';

  /** @param isHeld nothing is told before `release` */
  constructor(
    private readonly notify: NotifyChange,
    isHeld = false,
  ) {
    this.state = isHeld ? 'held' : 'open';
  }

  /** `resource`: what an update belongs to, as it was subscribed to. Of so many bursts there is a record at most. */
  add(change: McpNotification, resource?: string): void {
    if (this.state === 'closed') return;
    const key = keyOf(change.method, resource);
    const now = performance.now();
    const known = this.bursts.get(key);
    if (known) {
      known.change = merged(known.change, change, resource);
      known.lastAt = now;
    } else {
      this.bursts.set(key, { change: withoutOrigin(change, resource), resource, firstAt: now, lastAt: now });
    }
    if (this.state === 'open' && !this.timer) this.schedule(QUIET_INTERVAL_MS);
  }

  /** Tells at once what was held back; from now on bursts are told as they end. */
  release(): void {
    if (this.state !== 'held') return;
    this.state = 'open';
    this.flush();
  }

  /** Tells at once of what there is, over or not. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const bursts = [...this.bursts.values()];
    this.bursts.clear();
    for (const { change, resource } of bursts) this.notify(change, resource);
  }

  /** Nobody wants to hear of the resource any more. */
  discard(resource: string): void {
    this.bursts.delete(keyOf(RESOURCE_UPDATED, resource));
  }

  /** Nothing is told from now on. */
  close(): void {
    this.state = 'closed';
    clearTimeout(this.timer);
    this.bursts.clear();
  }

  private schedule(ms: number): void {
    this.timerAt = performance.now() + ms;
    this.timer = setTimeout(() => this.notifyDue(), ms).unref();
  }

  private notifyDue(): void {
    this.timer = undefined;
    const now = performance.now();
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

/** What tells of a list says nothing else, least of all whose it is. */
const withoutOrigin = (change: McpNotification, resource: string | undefined): McpNotification =>
  resource === undefined ? { method: change.method, params: {} } : change;

/** Where several parts of a resource changed, the whole of it did. */
function merged(before: McpNotification, change: McpNotification, resource: string | undefined): McpNotification {
  if (resource === undefined || before.params['uri'] === change.params['uri']) return withoutOrigin(change, resource);
  return { method: change.method, params: { uri: resource } };
}
