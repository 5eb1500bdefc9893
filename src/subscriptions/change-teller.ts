import { listFlagOf, type ListFlag, type McpNotification } from '#lib/mcp-protocol';
import { Coalescer, type Tell } from './coalescer.js';
import { EVERYTHING, type ListView } from './list-views.js';

/** Source of a change. */
export interface ChangeOrigin {
  /** Slug of the server. */
  readonly server?: string;
  /** URI of the resource, as the client subscribed to it. */
  readonly resource?: string | undefined;
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
export class ChangeTeller {
  private readonly bursts: Coalescer;
  private readonly origins = new Map<ListFlag, Origins>();
  /** Running comparisons, at most one per list at a time. */
  private readonly looking = new Map<ListFlag, { change: McpNotification; done: Promise<void> }>();
  private view: ListView = EVERYTHING;
  private isClosed = false;
  private isInHurry = false;
  private flushes = 0;

  /** @param isHeld no notification is sent before `release` */
  constructor(
    private readonly tell: Tell,
    isHeld = false,
  ) {
    this.bursts = new Coalescer((change, resource) => this.due(change, resource), isHeld);
  }

  /** Limits notifications to what is visible in this view from now on. The notifier closes the view. */
  look(view: ListView): void {
    if (this.isClosed) return view.close();
    this.view.close();
    this.view = view;
  }

  /** Records a change. A list change without a server originates in the gateway itself. */
  changed(change: McpNotification, { server, resource }: ChangeOrigin = {}): void {
    const list = listFlagOf(change.method);
    if (list) this.noteOrigin(list, server);
    this.bursts.add(change, resource);
  }

  /** Discards the pending update of a resource that is no longer subscribed to. */
  forget(resource: string): void {
    this.bursts.forget(resource);
  }

  /** Sends the held notifications. */
  release(): void {
    this.bursts.release();
  }

  /** Sends all pending notifications at once, without comparing lists first. */
  flush(): void {
    this.flushes += 1;
    this.isInHurry = true;
    for (const { change } of this.looking.values()) this.tell(change);
    this.looking.clear();
    this.bursts.flush();
    this.isInHurry = false;
  }

  close(): void {
    this.isClosed = true;
    this.bursts.close();
    this.view.close();
  }

  private noteOrigin(list: ListFlag, server: string | undefined): void {
    if (this.isClosed) return;
    const known = this.origins.get(list) ?? { servers: new Set(), isUnknown: false };
    if (server === undefined) known.servers = undefined;
    else known.servers?.add(server);
    known.isUnknown ||= server === undefined || !this.view.knows(list, server);
    this.origins.set(list, known);
  }

  private due(change: McpNotification, resource: string | undefined): void {
    const list = listFlagOf(change.method);
    if (!list) return this.tellOfResource(change, resource);
    const origins = this.origins.get(list) ?? UNKNOWN;
    this.origins.delete(list);
    if (this.isInHurry) return this.tell(change);
    const before = this.looking.get(list);
    const shows = before ? before.done.then(() => this.shows(list, origins)) : this.shows(list, origins);
    if (shows instanceof Promise) return this.tellLater(list, change, shows);
    if (shows) this.tell(change);
  }

  /** Sends an update of a part that is hidden from the client as an update of the whole that it subscribed to. */
  private tellOfResource(change: McpNotification, resource: string | undefined): void {
    if (resource !== undefined && !this.view.showsResource(resource)) return;
    const { uri } = change.params;
    const isHidden = resource !== undefined && typeof uri === 'string' && !this.view.showsResource(uri);
    this.tell(isHidden ? { method: change.method, params: { uri: resource } } : change, resource);
  }

  /** Compares in any case, because the next change is compared with the current content. */
  private shows(list: ListFlag, { servers, isUnknown }: Origins): boolean | Promise<boolean> {
    const changed = this.view.hasChanged(list, servers);
    return changed instanceof Promise ? changed.then((isSeen) => isSeen || isUnknown) : changed || isUnknown;
  }

  private tellLater(list: ListFlag, change: McpNotification, shows: Promise<boolean>): void {
    const { flushes } = this;
    const done = shows.then((isSeen) => {
      if (this.looking.get(list)?.done === done) this.looking.delete(list);
      if (isSeen && !this.isClosed && flushes === this.flushes) this.tell(change);
    });
    this.looking.set(list, { change, done });
  }
}

const UNKNOWN: Origins = { servers: undefined, isUnknown: true };
