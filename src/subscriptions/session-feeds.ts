import { Injectable } from '@nestjs/common';
import { LIST_FLAGS, type McpNotification } from '#lib/mcp-protocol';
import { EndpointDirectory, type Endpoint } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { Session, UpstreamFace } from '../session-pool/index.js';
import { missedBy } from '../upstream/index.js';
import { ChangeFeeds } from './change-feeds.js';
import { ChangeTeller } from './change-teller.js';
import type { Feed } from './feed.js';
import { ListViewsSeat } from './list-views.js';
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
  readonly feed: Promise<Feed>;
}

type Watched = Map<string, Watching>;

/** Tells legacy sessions of changes: of the lists while a stream is open, of resources they subscribed to. */
@Injectable()
export class SessionFeeds {
  private readonly watched = new WeakMap<Session, Watched>();
  private readonly tellers = new WeakMap<Session, ChangeTeller>();
  private readonly following = new WeakSet<Session>();

  constructor(
    private readonly feeds: ChangeFeeds,
    private readonly endpoints: EndpointDirectory,
    private readonly views: ListViewsSeat,
  ) {}

  /** Rejects with a GatewayError when the server refuses, or at the bound. Watching twice is watching once. */
  async watch(session: Session, resource: WatchedResource): Promise<void> {
    const { uri } = resource;
    const watched = this.allOf(session);
    const known = watched.get(uri);
    if (known) return void (await known.feed);
    if (watched.size >= MOST_WATCHED) throw new TooManySubscriptions(MOST_WATCHED);
    const opening = { resource, feed: this.open(session, resource) };
    watched.set(uri, opening);
    try {
      const feed = await opening.feed;
      if (session.ended) feed.close();
    } catch (cause) {
      if (watched.get(uri) === opening) watched.delete(uri);
      throw cause;
    }
  }

  /** What the session's client is told of. */
  watchedBy(session: Session): readonly WatchedResource[] {
    return [...(this.watched.get(session)?.values() ?? [])].map(({ resource }) => resource);
  }

  /** Tells at once what has not been told yet: the session leaves, and its heir knows nothing of it. */
  flush(session: Session): void {
    this.tellers.get(session)?.flush();
  }

  async unwatch(session: Session, { uri }: WatchedResource): Promise<void> {
    const watched = this.allOf(session);
    const opening = watched.get(uri);
    watched.delete(uri);
    this.tellers.get(session)?.forget(uri);
    await opening?.feed.then(close, NEVER_OPENED);
  }

  /** Follows the lists of every server behind the session's endpoint, from now until the session ends. */
  followLists(session: Session): void {
    const endpoint = this.endpoints.find(session.start.endpoint);
    if (!endpoint || session.ended || this.following.has(session)) return;
    this.following.add(session);
    const teller = this.tellerOf(session);
    const { caller } = session.start;
    teller.look(this.views.open({ caller, client: session.client, endpoint: endpoint.id }, LIST_FLAGS));
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
    const stopWatching = this.endpoints.onChange(endpoint.id, (now) => {
      follow(now ?? { servers: [] });
      for (const change of missedBy(ALL_LISTS)) teller.changed(change);
    });
    session.onEnd(() => {
      stopWatching();
      for (const feed of followed.values()) feed.close();
    });
  }

  private async open(session: Session, { server, own, uri }: WatchedResource): Promise<Feed> {
    const filter = { resourceSubscriptions: [own] };
    const teller = this.tellerOf(session);
    const feed = await this.feeds.open(server, faceOf(session), filter, (notification) => {
      teller.changed({ ...notification, params: { ...notification.params, uri } }, { resource: uri });
    });
    if (feed.honoured.resourceSubscriptions?.includes(own)) return feed;
    feed.close();
    throw new NotSubscribable(server.slug);
  }

  private tellerOf(session: Session): ChangeTeller {
    const known = this.tellers.get(session);
    if (known) return known;
    const teller = new ChangeTeller((notification) => session.notify(notification));
    this.tellers.set(session, teller);
    session.onEnd(() => teller.close());
    return teller;
  }

  private allOf(session: Session): Watched {
    const known = this.watched.get(session);
    if (known) return known;
    const watched: Watched = new Map();
    this.watched.set(session, watched);
    session.onEnd(() => {
      for (const { feed } of watched.values()) feed.then(close, NEVER_OPENED);
    });
    return watched;
  }
}

const close = (feed: Feed): void => feed.close();
const NEVER_OPENED = (): void => undefined;

const faceOf = (session: Session): UpstreamFace => ({
  caller: session.start.caller,
  client: session.client,
  session,
});
