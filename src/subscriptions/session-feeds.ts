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

/** A resource at one server, and the URI under which the client knows it. */
export interface WatchedResource {
  readonly server: ServerDefinition;
  /** Its URI at the server. */
  readonly own: string;
  readonly uri: string;
}

const ALL_LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

/** Resources that one session may be subscribed to. */
const MOST_WATCHED = 1_000;

interface Watching {
  readonly resource: WatchedResource;
  /** Undefined while the resource is kept from the client: it is told of it again once it is not. */
  feed: Promise<Feed> | undefined;
}

/** What one session is told, and what it sees of it. */
interface Told {
  readonly teller: ChangeTeller;
  /** By the URI that the client knows. */
  readonly watched: Map<string, Watching>;
  view: ListView;
  followsLists: boolean;
}

/** Tells legacy sessions of changes: of the lists while a stream is open, of resources they subscribed to. */
@Injectable()
export class SessionFeeds {
  private readonly sessions = new WeakMap<Session, Told>();

  constructor(
    private readonly feeds: ChangeFeeds,
    private readonly endpoints: EndpointDirectory,
    private readonly views: ListViewsSeat,
  ) {}

  /** Rejects with a GatewayError when the server refuses, or at the bound. Watching twice is watching once. */
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

  /** What the session's client has subscribed to. */
  watchedBy(session: Session): readonly WatchedResource[] {
    return [...(this.sessions.get(session)?.watched.values() ?? [])].map(({ resource }) => resource);
  }

  /** Tells at once what has not been told yet: the session leaves, and its heir knows nothing of it. */
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

  /** Follows the lists of every server behind the session's endpoint, from now until the session ends. */
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
    // Behind several servers the session's own upstream sessions are opened when they are first called, not now.
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

  /** Lets go of resources that are kept from the client by now, and goes on with those that no longer are. */
  private review(session: Session, { watched, view, teller }: Told): void {
    for (const watching of watched.values()) {
      const { feed, resource } = watching;
      const isShown = view.showsResource(resource.uri);
      if (feed && !isShown) {
        watching.feed = undefined;
        void feed.then(close, NEVER_OPENED);
      } else if (!feed && isShown) {
        watching.feed = Promise.resolve(this.goOn(session, resource));
        // It may have changed meanwhile.
        teller.changed({ method: RESOURCE_UPDATED, params: { uri: resource.uri } }, { resource: resource.uri });
      }
    }
  }

  /** The server was asked before, and may be away now. */
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
