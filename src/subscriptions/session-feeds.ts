import { Injectable, Logger } from '@nestjs/common';
import { EndpointDirectory } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { Session, UpstreamFace } from '../session-pool/index.js';
import { ChangeFeeds, type Feed } from './change-feeds.js';
import { Coalescer } from './coalescer.js';

/** A resource at one server, and the URI under which the client knows it. */
export interface WatchedResource {
  readonly server: ServerDefinition;
  /** Its URI at the server. */
  readonly own: string;
  readonly uri: string;
}

const ALL_LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

/** Tells legacy sessions of changes: of the lists while a stream is open, of resources they subscribed to. */
@Injectable()
export class SessionFeeds {
  private readonly logger = new Logger(SessionFeeds.name);
  private readonly watched = new WeakMap<Session, Map<string, Feed>>();
  private readonly following = new WeakSet<Session>();

  constructor(
    private readonly feeds: ChangeFeeds,
    private readonly endpoints: EndpointDirectory,
  ) {}

  /** Rejects with a GatewayError when the server refuses. Watching twice is watching once. */
  async watch(session: Session, { server, own, uri }: WatchedResource): Promise<void> {
    const watched = this.watchedBy(session);
    if (watched.has(uri)) return;
    const feed = await this.feeds.open(server, faceOf(session), { resourceSubscriptions: [own] }, (notification) => {
      session.notify({ ...notification, params: { ...notification.params, uri } });
    });
    if (session.ended || watched.has(uri)) feed.close();
    else watched.set(uri, feed);
  }

  async unwatch(session: Session, { uri }: WatchedResource): Promise<void> {
    const watched = this.watchedBy(session);
    watched.get(uri)?.close();
    watched.delete(uri);
  }

  /** Follows the lists of every server behind the session's endpoint, from now until the session ends. */
  followLists(session: Session): void {
    const endpoint = this.endpoints.find(session.start.endpoint);
    if (!endpoint || this.following.has(session)) return;
    this.following.add(session);
    const changes = new Coalescer((notification) => session.notify(notification));
    session.onEnd(() => changes.close());
    // Behind several servers the session's own upstream sessions are opened when they are first called, not now.
    const face = endpoint.transparent ? faceOf(session) : { ...faceOf(session), session: undefined };
    for (const server of endpoint.servers) this.followServer(session, server, face, changes);
  }

  private followServer(session: Session, server: ServerDefinition, face: UpstreamFace, changes: Coalescer): void {
    this.feeds.open(server, face, ALL_LISTS, (notification) => changes.add(notification)).then(
      (feed) => (session.ended ? feed.close() : session.onEnd(() => feed.close())),
      (cause: unknown) => this.logger.warn(`Lists of ${server.slug} are not followed: ${String(cause)}`),
    );
  }

  private watchedBy(session: Session): Map<string, Feed> {
    const known = this.watched.get(session);
    if (known) return known;
    const watched = new Map<string, Feed>();
    this.watched.set(session, watched);
    session.onEnd(() => watched.forEach((feed) => feed.close()));
    return watched;
  }
}

const faceOf = (session: Session): UpstreamFace => ({
  caller: session.start.caller,
  client: session.client,
  session,
});
