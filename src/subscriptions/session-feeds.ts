import { Injectable } from '@nestjs/common';
import { LIST_FLAGS, RESOURCE_UPDATED, type McpNotification } from '#lib/mcp-protocol';
import { EndpointDirectory, type Endpoint } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { Session, UpstreamFace } from '../session-pool/index.js';
import { missedBy } from '../upstream/index.js';
import { ChangeFeeds } from './change-feeds.js';
import { ChangeTeller } from './change-teller.js';
import type { Feed, OnChange } from './feed.js';
import { ListViewsSeat, type ListView } from './list-views.js';
import { NotSubscribable, TooManySubscriptions } from './subscriptions.errors.js';

/** A resource at one server that a session subscribed to. */
export interface WatchedResource {
  readonly server: ServerDefinition;
  /** URI of the resource at the server. `uri` is its public URI, which the client uses. */
  readonly own: string;
  readonly uri: string;
}

const ALL_LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

/** Maximum number of resources that one session may be subscribed to. */
const MOST_WATCHED = 1_000;

interface Watching {
  readonly resource: WatchedResource;
  /** Undefined while the resource is hidden from the client. It is subscribed to again once it is visible. */
  feed: Promise<Feed> | undefined;
}

/** Subscriptions of one session, and its view of lists and resources. */
interface Told {
  readonly teller: ChangeTeller;
  /** By public URI. */
  readonly watched: Map<string, Watching>;
  view: ListView;
  followsLists: boolean;
}

/** Notifies legacy sessions of changes: of lists while a stream is open, and of the resources they subscribed to. */
@Injectable()
export class SessionFeeds {
  private readonly sessions = new WeakMap<Session, Told>();

  constructor(
    private readonly feeds: ChangeFeeds,
    private readonly endpoints: EndpointDirectory,
    private readonly views: ListViewsSeat,
  ) {}

  /**
   * Subscribes a session to a resource. Idempotent. Rejects with a GatewayError if the server rejects it, or at the
   * limit.
   */
  async watch(session: Session, resource: WatchedResource): Promise<void> {
    const { uri } = resource;
    const { watched, view } = this.toldTo(session);
    const known = watched.get(uri);
    if (known?.feed) return void (await known.feed);
    if (watched.size >= MOST_WATCHED && !known) throw new TooManySubscriptions(MOST_WATCHED);
    const opening: Watching = { resource, feed: view.showsResource(uri) ? this.open(session, resource) : undefined };
    watched.set(uri, opening);
    try {
      const feed = await opening.feed;
      if (session.ended) feed?.close();
    } catch (cause) {
      if (watched.get(uri) === opening) watched.delete(uri);
      throw cause;
    }
  }

  /** Returns the resources that the session is subscribed to. */
  watchedBy(session: Session): readonly WatchedResource[] {
    return [...(this.sessions.get(session)?.watched.values() ?? [])].map(({ resource }) => resource);
  }

  /** Sends pending notifications at once, before a handoff: the new owner does not know of them. */
  flush(session: Session): void {
    this.sessions.get(session)?.teller.flush();
  }

  async unwatch(session: Session, { uri }: WatchedResource): Promise<void> {
    const told = this.sessions.get(session);
    const watching = told?.watched.get(uri);
    told?.watched.delete(uri);
    told?.teller.forget(uri);
    await watching?.feed?.then(close, NEVER_OPENED);
  }

  /** Subscribes to the lists of every server behind the session's endpoint, until the session ends. */
  followLists(session: Session): void {
    const { caller } = session.start;
    const endpoint = this.endpoints.findFor(caller, session.start.endpoint);
    if (!endpoint || session.ended) return;
    const told = this.toldTo(session);
    if (told.followsLists) return;
    told.followsLists = true;
    const { teller } = told;
    told.view = this.views.open(viewerOf(session), LIST_FLAGS);
    teller.look(told.view);
    // For an endpoint with several servers, the session's own upstream sessions are opened by their first call, not
    // now.
    const face = endpoint.transparent ? faceOf(session) : { ...faceOf(session), session: undefined };
    const followed = new Map<string, Feed>();
    const follow = ({ servers }: Pick<Endpoint, 'servers'>) => {
      for (const server of servers) {
        if (followed.has(server.slug)) continue;
        const onChange = (change: McpNotification) => teller.changed(change, { server: server.slug });
        followed.set(server.slug, this.feeds.follow(server, face, ALL_LISTS, onChange));
      }
      for (const [slug, feed] of followed) {
        if (servers.some((server) => server.slug === slug)) continue;
        feed.close();
        followed.delete(slug);
      }
    };
    follow(endpoint);
    const stopWatching = this.endpoints.onChange(endpoint.id, caller, (now) => {
      follow(now ?? { servers: [] });
      for (const change of missedBy(ALL_LISTS)) teller.changed(change);
    });
    session.onEnd(() => {
      stopWatching();
      for (const feed of followed.values()) feed.close();
    });
  }

  private async open(session: Session, resource: WatchedResource): Promise<Feed> {
    const { server, own } = resource;
    const filter = { resourceSubscriptions: [own] };
    const feed = await this.feeds.open(server, faceOf(session), filter, this.listenerOf(session, resource));
    if (feed.honoured.resourceSubscriptions?.includes(own)) return feed;
    feed.close();
    throw new NotSubscribable(server.slug);
  }

  /**
   * Closes the subscriptions to resources that are now hidden from the client, and reopens those that are visible
   * again.
   */
  private review(session: Session, { watched, view, teller }: Told): void {
    for (const watching of watched.values()) {
      const { feed, resource } = watching;
      const isShown = view.showsResource(resource.uri);
      if (feed && !isShown) {
        watching.feed = undefined;
        void feed.then(close, NEVER_OPENED);
      } else if (!feed && isShown) {
        watching.feed = Promise.resolve(this.goOn(session, resource));
        // The resource may have changed while it was hidden.
        teller.changed({ method: RESOURCE_UPDATED, params: { uri: resource.uri } }, { resource: resource.uri });
      }
    }
  }

  /** Subscribes again, and waits for a server that cannot be reached: it accepted this subscription before. */
  private goOn(session: Session, resource: WatchedResource): Feed {
    const filter = { resourceSubscriptions: [resource.own] };
    return this.feeds.follow(resource.server, faceOf(session), filter, this.listenerOf(session, resource));
  }

  private listenerOf(session: Session, { uri }: WatchedResource): OnChange {
    const { teller } = this.toldTo(session);
    return (change) => teller.changed({ ...change, params: { ...change.params, uri } }, { resource: uri });
  }

  private toldTo(session: Session): Told {
    const known = this.sessions.get(session);
    if (known) return known;
    const teller = new ChangeTeller((notification) => session.notify(notification));
    const told: Told = {
      teller,
      watched: new Map(),
      view: this.views.open(viewerOf(session), []),
      followsLists: false,
    };
    this.sessions.set(session, told);
    teller.look(told.view);
    const { endpoint, caller } = session.start;
    const stopReviewing = this.endpoints.onChange(endpoint, caller, () => this.review(session, told));
    session.onEnd(() => {
      stopReviewing();
      teller.close();
      for (const { feed } of told.watched.values()) void feed?.then(close, NEVER_OPENED);
    });
    return told;
  }
}

const close = (feed: Feed): void => feed.close();
const NEVER_OPENED = (): void => undefined;

const viewerOf = ({ client, start: { caller, endpoint } }: Session) => ({ caller, client, endpoint });

const faceOf = (session: Session): UpstreamFace => ({
  caller: session.start.caller,
  client: session.client,
  session,
});
