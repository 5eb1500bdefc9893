import { toListFlag, type ListFlag, type McpNotification } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import type { Endpoint, EndpointChange } from '../catalog/index.js';
import { Coalescer, type NotifyChange } from './coalescer.js';
import { UNFILTERED_VIEW, type ListView } from './list-views.js';

/** Source of a change. */
export interface ChangeOrigin {
  /** Slug of the server. */
  readonly server?: string;
  /** URI of the resource, as the client subscribed to it. */
  readonly resource?: string | undefined;
}

/**
 * Returns the sources of the changes that a client may have missed when what it sees of an endpoint changed. A change of the
 * caller alone is compared server by server; one of the endpoint has no particular source.
 */
export function toOrigins(endpoint: Endpoint | undefined, change: EndpointChange): readonly ChangeOrigin[] {
  return change === 'caller' && endpoint ? endpoint.servers.map(({ slug }) => ({ server: slug })) : [{}];
}

/** Sources of the changes of one burst. */
interface Origins {
  /** Undefined if a change belongs to no particular server. */
  servers: Set<string> | undefined;
  /** True if it is unknown whether the client sees a difference. */
  isUnknown: boolean;
}

/**
 * Notifies one client of changes: once per burst, of a list only if the client's view of it changed, and of a resource
 * only while it is visible to the client.
 */
export class ChangeNotifier {
  private readonly bursts: Coalescer;
  private readonly origins = new Map<ListFlag, Origins>();
  /** Running comparisons, at most one per list at a time. */
  private readonly comparisons = new Map<ListFlag, { change: McpNotification; done: Promise<void> }>();
  private view: ListView = UNFILTERED_VIEW;
  private isClosed = false;
  private isFlushing = false;
  private flushes = 0;

  /** @param isHeld no notification is sent before `release` */
  constructor(
    private readonly notify: NotifyChange,
    clock: Clock,
    isHeld = false,
  ) {
    this.bursts = new Coalescer((change, resource) => this.onDue(change, resource), clock, isHeld);
  }

  /** Limits notifications to what is visible in this view from now on. The notifier closes the view. */
  setView(view: ListView): void {
    if (this.isClosed) return view.close();
    this.view.close();
    this.view = view;
  }

  /** Records a change. A list change without a server originates in the gateway itself. */
  record(change: McpNotification, { server, resource }: ChangeOrigin = {}): void {
    const list = toListFlag(change.method);
    if (list) this.recordOrigin(list, server);
    this.bursts.add(change, resource);
  }

  /** Discards the pending update of a resource that is no longer subscribed to. */
  discard(resource: string): void {
    this.bursts.discard(resource);
  }

  /** Sends the held notifications. */
  release(): void {
    this.bursts.release();
  }

  /** Sends all pending notifications at once, without comparing lists first. */
  flush(): void {
    this.flushes += 1;
    this.isFlushing = true;
    for (const { change } of this.comparisons.values()) this.notify(change);
    this.comparisons.clear();
    this.bursts.flush();
    this.isFlushing = false;
  }

  close(): void {
    this.isClosed = true;
    this.bursts.close();
    this.view.close();
  }

  private recordOrigin(list: ListFlag, server: string | undefined): void {
    if (this.isClosed) return;
    const known = this.origins.get(list) ?? { servers: new Set(), isUnknown: false };
    if (server === undefined) known.servers = undefined;
    else known.servers?.add(server);
    known.isUnknown ||= server === undefined || !this.view.hasSnapshot(list, server);
    this.origins.set(list, known);
  }

  private onDue(change: McpNotification, resource: string | undefined): void {
    const list = toListFlag(change.method);
    if (!list) return this.notifyResource(change, resource);
    const origins = this.origins.get(list) ?? UNKNOWN_ORIGINS;
    this.origins.delete(list);
    if (this.isFlushing) return this.notify(change);
    const before = this.comparisons.get(list);
    const visibleChange = before
      ? before.done.then(() => this.hasVisibleChange(list, origins))
      : this.hasVisibleChange(list, origins);
    if (visibleChange instanceof Promise) return this.notifyAfter(list, change, visibleChange);
    if (visibleChange) this.notify(change);
  }

  /** Sends an update of a part that is hidden from the client as an update of the whole that it subscribed to. */
  private notifyResource(change: McpNotification, resource: string | undefined): void {
    if (resource !== undefined && !this.view.isResourceVisible(resource)) return;
    const { uri } = change.params;
    const isHidden = resource !== undefined && typeof uri === 'string' && !this.view.isResourceVisible(uri);
    this.notify(isHidden ? { method: change.method, params: { uri: resource } } : change, resource);
  }

  /** Compares in any case, because the next change is compared with the current content. */
  private hasVisibleChange(list: ListFlag, { servers, isUnknown }: Origins): boolean | Promise<boolean> {
    const changed = this.view.hasChanged(list, servers);
    return changed instanceof Promise ? changed.then((isVisible) => isVisible || isUnknown) : changed || isUnknown;
  }

  private notifyAfter(list: ListFlag, change: McpNotification, visibleChange: Promise<boolean>): void {
    const { flushes } = this;
    const done = visibleChange.then((isVisible) => {
      if (this.comparisons.get(list)?.done === done) this.comparisons.delete(list);
      if (isVisible && !this.isClosed && flushes === this.flushes) this.notify(change);
    });
    this.comparisons.set(list, { change, done });
  }
}

const UNKNOWN_ORIGINS: Origins = { servers: undefined, isUnknown: true };
