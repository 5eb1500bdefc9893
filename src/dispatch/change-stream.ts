import { toListFlag, type McpNotification } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import type { StreamSink } from '../session-pool/index.js';
import { ChangeNotifier, type ChangeOrigin, type SubscriptionHandle, type ListView } from '../subscriptions/index.js';
import type { ChangeFilter } from '../upstream/index.js';

/**
 * The notifications of one client's subscription, merged from its upstream subscriptions. Sends none before the
 * acknowledgement and none outside the acknowledged filter (specification 2026: basic/patterns/subscriptions; invariant 6).
 */
export class ChangeStream {
  private acknowledged: ChangeFilter = {};
  private resources: ReadonlySet<string> = new Set();
  private readonly changes: ChangeNotifier;
  private readonly subscriptions = new Map<string, SubscriptionHandle>();
  private isClosed = false;

  /** @param view decides which changes the client sees; closed with the stream */
  constructor(
    private readonly sink: StreamSink,
    view: ListView,
    clock: Clock,
  ) {
    this.changes = new ChangeNotifier((change, resource) => this.notify(change, resource), clock, true);
    this.changes.setView(view);
  }

  /** Replaces the upstream subscription at a server. Closes the new one when the stream is closed already. */
  attach(server: string, subscription: SubscriptionHandle): void {
    if (this.isClosed) return subscription.close();
    this.detach(server);
    this.subscriptions.set(server, subscription);
  }

  /** Closes the upstream subscription at a server. */
  detach(server: string): void {
    this.subscriptions.get(server)?.close();
    this.subscriptions.delete(server);
  }

  /** Sends a change, with resources under their public URIs. */
  changed(change: McpNotification, origin?: ChangeOrigin): void {
    this.changes.record(change, origin);
  }

  /** Sends the honoured filter, then the changes since the stream was created. */
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
    for (const subscription of this.subscriptions.values()) subscription.close();
    this.subscriptions.clear();
  }

  private notify(notification: McpNotification, resource: string | undefined): void {
    const flag = toListFlag(notification.method);
    const isHonoured = flag ? this.acknowledged[flag] === true : this.resources.has(resource ?? '');
    if (isHonoured) void this.sink.emit({ kind: 'notification', notification });
  }
}
