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
  private readonly changes = new ChangeTeller((change, resource) => this.notify(change, resource), true);
  private readonly feeds = new Map<string, Feed>();
  private isClosed = false;

  /** @param view what the client sees; closed with the stream */
  constructor(
    private readonly sink: StreamSink,
    view: ListView,
  ) {
    this.changes.setView(view);
  }

  /** What is heard of a server from now on, instead of what was until now; a feed that comes too late is closed. */
  attach(server: string, feed: Feed): void {
    if (this.isClosed) return feed.close();
    this.detach(server);
    this.feeds.set(server, feed);
  }

  /** Nothing more is heard of the server. */
  detach(server: string): void {
    this.feeds.get(server)?.close();
    this.feeds.delete(server);
  }

  /** Something changed; a resource under its public name. */
  changed(change: McpNotification, origin?: ChangeOrigin): void {
    this.changes.record(change, origin);
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
    this.isClosed = true;
    this.changes.close();
    for (const feed of this.feeds.values()) feed.close();
    this.feeds.clear();
  }

  private notify(notification: McpNotification, resource: string | undefined): void {
    const flag = listFlagOf(notification.method);
    const isHonoured = flag ? this.acknowledged[flag] === true : this.resources.has(resource ?? '');
    if (isHonoured) void this.sink.emit({ kind: 'notification', notification });
  }
}
