import { listFlagOf, type McpNotification } from '#lib/mcp-protocol';
import type { StreamSink } from '../session-pool/index.js';
import { ChangeTeller, type ChangeOrigin, type Feed, type ListView } from '../subscriptions/index.js';
import type { ChangeFilter } from '../upstream/index.js';

/**
 * What one client listens to, over all of its feeds: nothing is told before the acknowledgement, nothing after it that
 * it does not name (specification 2026: basic/patterns/subscriptions).
 */
export class ChangeStream {
  private acknowledged: ChangeFilter = {};
  private resources: ReadonlySet<string> = new Set();
  private readonly changes = new ChangeTeller((change, resource) => this.tell(change, resource), true);
  private readonly feeds: Feed[] = [];
  private isOver = false;

  /** @param view what the client sees of lists; closed with the stream */
  constructor(
    private readonly sink: StreamSink,
    view: ListView,
  ) {
    this.changes.look(view);
  }

  /** A feed for as long as the stream lasts; one that comes too late is closed. */
  join(feed: Feed): void {
    if (this.isOver) feed.close();
    else this.feeds.push(feed);
  }

  /** Something changed; a resource under its public name. */
  changed(change: McpNotification, origin?: ChangeOrigin): void {
    this.changes.changed(change, origin);
  }

  /** Says what is honoured, and then what changed meanwhile. */
  async acknowledge(honoured: ChangeFilter): Promise<void> {
    const params = { notifications: { ...honoured } };
    const notification = { method: 'notifications/subscriptions/acknowledged', params } as unknown as McpNotification;
    await this.sink.emit({ kind: 'notification', notification });
    this.acknowledged = honoured;
    this.resources = new Set(honoured.resourceSubscriptions);
    this.changes.release();
  }

  /** Idempotent. */
  close(): void {
    this.isOver = true;
    this.changes.close();
    for (const feed of this.feeds.splice(0)) feed.close();
  }

  private tell(notification: McpNotification, resource: string | undefined): void {
    const flag = listFlagOf(notification.method);
    const isHonoured = flag ? this.acknowledged[flag] === true : this.resources.has(resource ?? '');
    if (isHonoured) void this.sink.emit({ kind: 'notification', notification });
  }
}
