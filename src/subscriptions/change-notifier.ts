import { listFlagOf, type ListFlag, type McpNotification } from '#lib/mcp-protocol';
import { Coalescer, type NotifyChange } from './coalescer.js';
import { UNFILTERED_VIEW, type ListView } from './list-views.js';

/** What changed. */
export interface ChangeOrigin {
  /** Slug of the server. */
  readonly server?: string;
  /** The resource, under its name among those that the client subscribed to. */
  readonly resource?: string | undefined;
}

/** Where the changes of one burst come from. */
interface Origins {
  /** Undefined: not from any server in particular. */
  servers: Set<string> | undefined;
  /** It cannot be found out whether the client sees a difference. */
  isUnknown: boolean;
}

/**
 * Tells one client of changes: once of a burst, of lists only where the client sees something else than before, and of
 * resources only while they are shown to it.
 */
export class ChangeNotifier {
  private readonly bursts: Coalescer;
  private readonly origins = new Map<ListFlag, Origins>();
  /** What is looked at, each list by itself and one look after the other. */
  private readonly comparisons = new Map<ListFlag, { change: McpNotification; done: Promise<void> }>();
  private view: ListView = UNFILTERED_VIEW;
  private isClosed = false;
  private isFlushing = false;
  private flushes = 0;

  /** @param isHeld nothing is told before `release` */
  constructor(
    private readonly notify: NotifyChange,
    isHeld = false,
  ) {
    this.bursts = new Coalescer((change, resource) => this.onDue(change, resource), isHeld);
  }

  /** From now on the client hears of what it sees in this view only. It is closed with the teller. */
  setView(view: ListView): void {
    if (this.isClosed) return view.close();
    this.view.close();
    this.view = view;
  }

  /** Something changed. A list that changed at no server in particular did so for a reason of the gateway's own. */
  record(change: McpNotification, { server, resource }: ChangeOrigin = {}): void {
    const list = listFlagOf(change.method);
    if (list) this.recordOrigin(list, server);
    this.bursts.add(change, resource);
  }

  /** Nobody wants to hear of the resource any more. */
  discard(resource: string): void {
    this.bursts.discard(resource);
  }

  /** Tells what was held back. */
  release(): void {
    this.bursts.release();
  }

  /** Tells at once of all that may have changed: there is no time to look. */
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
    const list = listFlagOf(change.method);
    if (!list) return this.notifyResource(change, resource);
    const origins = this.origins.get(list) ?? UNKNOWN_ORIGINS;
    this.origins.delete(list);
    if (this.isFlushing) return this.notify(change);
    const before = this.comparisons.get(list);
    const shows = before
      ? before.done.then(() => this.hasVisibleChange(list, origins))
      : this.hasVisibleChange(list, origins);
    if (shows instanceof Promise) return this.notifyAfter(list, change, shows);
    if (shows) this.notify(change);
  }

  /** Where the part that changed is kept from the client, the whole that it subscribed to has changed. */
  private notifyResource(change: McpNotification, resource: string | undefined): void {
    if (resource !== undefined && !this.view.isResourceVisible(resource)) return;
    const { uri } = change.params;
    const isHidden = resource !== undefined && typeof uri === 'string' && !this.view.isResourceVisible(uri);
    this.notify(isHidden ? { method: change.method, params: { uri: resource } } : change, resource);
  }

  /** Looks in any case: what is seen now is what the next change is compared with. */
  private hasVisibleChange(list: ListFlag, { servers, isUnknown }: Origins): boolean | Promise<boolean> {
    const changed = this.view.hasChanged(list, servers);
    return changed instanceof Promise ? changed.then((isSeen) => isSeen || isUnknown) : changed || isUnknown;
  }

  private notifyAfter(list: ListFlag, change: McpNotification, shows: Promise<boolean>): void {
    const { flushes } = this;
    const done = shows.then((isSeen) => {
      if (this.comparisons.get(list)?.done === done) this.comparisons.delete(list);
      if (isSeen && !this.isClosed && flushes === this.flushes) this.notify(change);
    });
    this.comparisons.set(list, { change, done });
  }
}

const UNKNOWN_ORIGINS: Origins = { servers: undefined, isUnknown: true };
