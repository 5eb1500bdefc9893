import { isResourceOrPart, listFlagOf, RESOURCE_UPDATED, type McpNotification } from '#lib/mcp-protocol';
import type { StreamSink } from '../session-pool/index.js';
import { Coalescer, type Feed } from '../subscriptions/index.js';
import type { ChangeFilter } from '../upstream/index.js';

/**
 * What one client listens to, over all of its feeds: nothing is told before the acknowledgement, nothing after it that
 * it does not name (specification 2026: basic/patterns/subscriptions).
 */
export class ChangeStream {
  private acknowledged: ChangeFilter | undefined;
  /** Changes before the acknowledgement, one of each kind and resource. */
  private readonly early = new Map<string, McpNotification>();
  private readonly lists = new Coalescer((change) => this.tell(change));
  private readonly feeds: Feed[] = [];
  private isOver = false;

  constructor(private readonly sink: StreamSink) {}

  /** A feed for as long as the stream lasts; one that comes too late is closed. */
  join(feed: Feed): void {
    if (this.isOver) feed.close();
    else this.feeds.push(feed);
  }

  /** Something changed; a resource under its public name. */
  changed(notification: McpNotification): void {
    if (this.isOver) return;
    if (notification.method === RESOURCE_UPDATED) this.tell(notification);
    else this.lists.add(notification);
  }

  /** Says what is honoured, and then what changed meanwhile. */
  async acknowledge(honoured: ChangeFilter): Promise<void> {
    const params = { notifications: { ...honoured } };
    const notification = { method: 'notifications/subscriptions/acknowledged', params } as unknown as McpNotification;
    await this.sink.emit({ kind: 'notification', notification });
    this.acknowledged = honoured;
    for (const change of this.early.values()) this.tell(change);
    this.early.clear();
  }

  /** Idempotent. */
  close(): void {
    this.isOver = true;
    this.lists.close();
    for (const feed of this.feeds.splice(0)) feed.close();
  }

  private tell(notification: McpNotification): void {
    if (this.isOver) return;
    if (!this.acknowledged)
      this.early.set(`${notification.method} ${JSON.stringify(notification.params['uri'])}`, notification);
    else if (covers(this.acknowledged, notification)) void this.sink.emit({ kind: 'notification', notification });
  }
}

function covers(honoured: ChangeFilter, { method, params: { uri } }: McpNotification): boolean {
  const flag = listFlagOf(method);
  if (flag) return honoured[flag] === true;
  const subscribed = honoured.resourceSubscriptions ?? [];
  return typeof uri === 'string' && subscribed.some((whole) => isResourceOrPart(uri, whole));
}
