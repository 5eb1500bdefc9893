import { listFlagOf, type ListFlag, type McpNotification } from '#lib/mcp-protocol';
import { Coalescer, type Tell } from './coalescer.js';
import { EVERYTHING, type ListView } from './list-views.js';

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
export class ChangeTeller {
  private readonly bursts: Coalescer;
  private readonly origins = new Map<ListFlag, Origins>();
  /** What is looked at, each list by itself and one look after the other. */
  private readonly looking = new Map<ListFlag, { change: McpNotification; done: Promise<void> }>();
  private view: ListView = EVERYTHING;
  private isClosed = false;
  private isInHurry = false;
  private flushes = 0;

  /** @param isHeld nothing is told before `release` */
  constructor(
    private readonly tell: Tell,
    isHeld = false,
  ) {
    this.bursts = new Coalescer((change, resource) => this.due(change, resource), isHeld);
  }

  /** From now on the client hears of what it sees in this view only. It is closed with the teller. */
  look(view: ListView): void {
    if (this.isClosed) return view.close();
    this.view.close();
    this.view = view;
  }

  /** Something changed. A list that changed at no server in particular did so for a reason of the gateway's own. */
  changed(change: McpNotification, { server, resource }: ChangeOrigin = {}): void {
    const list = listFlagOf(change.method);
    if (list) this.noteOrigin(list, server);
    this.bursts.add(change, resource);
  }

  /** Nobody wants to hear of the resource any more. */
  forget(resource: string): void {
    this.bursts.forget(resource);
  }

  /** Tells what was held back. */
  release(): void {
    this.bursts.release();
  }

  /** Tells at once of all that may have changed: there is no time to look. */
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

  /** Where the part that changed is kept from the client, the whole that it subscribed to has changed. */
  private tellOfResource(change: McpNotification, resource: string | undefined): void {
    if (resource !== undefined && !this.view.showsResource(resource)) return;
    const { uri } = change.params;
    const isHidden = resource !== undefined && typeof uri === 'string' && !this.view.showsResource(uri);
    this.tell(isHidden ? { method: change.method, params: { uri: resource } } : change, resource);
  }

  /** Looks in any case: what is seen now is what the next change is compared with. */
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
