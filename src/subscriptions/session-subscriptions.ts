import { Injectable } from '@nestjs/common';
import { LIST_FLAGS, RESOURCE_UPDATED, type McpNotification } from '#lib/mcp-protocol';
import { EndpointDirectory, type Endpoint } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { Session } from '../session-pool/index.js';
import type { ConnectionScope } from '../connections/index.js';
import { missedBy } from '../upstream/index.js';
import { ServerSubscriptions } from './server-subscriptions.js';
import { ChangeNotifier } from './change-notifier.js';
import type { SubscriptionHandle, OnChange } from './subscriber.js';
import { DeferredListViews, type ListView } from './list-views.js';
import { NotSubscribable, TooManySubscriptions } from './subscriptions.errors.js';

/** A resource at one server, and the URI under which the client knows it. */
export interface SubscribedResource {
  readonly server: ServerDefinition;
  /** Its URI at the server. */
  readonly own: string;
  readonly uri: string;
}

const ALL_LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

/** Resources that one session may be subscribed to. */
const MAX_SUBSCRIBED_RESOURCES = 1_000;

interface ResourceSubscription {
  readonly resource: SubscribedResource;
  /** Undefined while the resource is kept from the client: it is told of it again once it is not. */
  handle: Promise<SubscriptionHandle> | undefined;
}

/** What one session is told, and what it sees of it. */
interface SessionState {
  readonly notifier: ChangeNotifier;
  /** By the URI that the client knows. */
  readonly resources: Map<string, ResourceSubscription>;
  view: ListView;
  hasListSubscriptions: boolean;
}

/** Tells legacy sessions of changes: of the lists while a stream is open, of resources they subscribed to. */
@Injectable()
export class SessionSubscriptions {
  private readonly sessions = new WeakMap<Session, SessionState>();

  constructor(
    private readonly subscriptions: ServerSubscriptions,
    private readonly endpoints: EndpointDirectory,
    private readonly views: DeferredListViews,
  ) {}

  /** Rejects with a GatewayError when the server refuses, or at the bound. Watching twice is watching once. */
  async subscribe(session: Session, resource: SubscribedResource): Promise<void> {
    const { uri } = resource;
    const { resources: watched, view } = this.stateOf(session);
    const known = watched.get(uri);
    if (known?.handle) return void (await known.handle);
    if (watched.size >= MAX_SUBSCRIBED_RESOURCES && !known) throw new TooManySubscriptions(MAX_SUBSCRIBED_RESOURCES);
    const opening: ResourceSubscription = {
      resource,
      handle: view.isResourceVisible(uri) ? this.open(session, resource) : undefined,
    };
    watched.set(uri, opening);
    try {
      const feed = await opening.handle;
      if (session.isEnded) feed?.close();
    } catch (cause) {
      if (watched.get(uri) === opening) watched.delete(uri);
      throw cause;
    }
  }

  /** What the session's client has subscribed to. */
  subscribedResources(session: Session): readonly SubscribedResource[] {
    return [...(this.sessions.get(session)?.resources.values() ?? [])].map(({ resource }) => resource);
  }

  /** Tells at once what has not been told yet: the session leaves, and its heir knows nothing of it. */
  flush(session: Session): void {
    this.sessions.get(session)?.notifier.flush();
  }

  async unsubscribe(session: Session, { uri }: SubscribedResource): Promise<void> {
    const told = this.sessions.get(session);
    const watching = told?.resources.get(uri);
    told?.resources.delete(uri);
    told?.notifier.discard(uri);
    await watching?.handle?.then(close, ignoreFailure);
  }

  /** Follows the lists of every server behind the session's endpoint, from now until the session ends. */
  subscribeToLists(session: Session): void {
    const { caller } = session.start;
    const endpoint = this.endpoints.findFor(caller, session.start.endpoint);
    if (!endpoint || session.isEnded) return;
    const told = this.stateOf(session);
    if (told.hasListSubscriptions) return;
    told.hasListSubscriptions = true;
    const { notifier: teller } = told;
    told.view = this.views.open(toViewer(session), LIST_FLAGS);
    teller.setView(told.view);
    // Behind several servers the session's own upstream sessions are opened when they are first called, not now.
    const face = endpoint.transparent
      ? toConnectionScope(session)
      : { ...toConnectionScope(session), session: undefined };
    const followed = new Map<string, SubscriptionHandle>();
    const follow = ({ servers }: Pick<Endpoint, 'servers'>) => {
      for (const server of servers) {
        if (followed.has(server.slug)) continue;
        const onChange = (change: McpNotification) => teller.record(change, { server: server.slug });
        followed.set(server.slug, this.subscriptions.subscribeWithRetry(server, face, ALL_LISTS, onChange));
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
      for (const change of missedBy(ALL_LISTS)) teller.record(change);
    });
    session.onEnd(() => {
      stopWatching();
      for (const feed of followed.values()) feed.close();
    });
  }

  private async open(session: Session, resource: SubscribedResource): Promise<SubscriptionHandle> {
    const { server, own } = resource;
    const filter = { resourceSubscriptions: [own] };
    const feed = await this.subscriptions.subscribe(
      server,
      toConnectionScope(session),
      filter,
      this.changeHandlerFor(session, resource),
    );
    if (feed.honoured.resourceSubscriptions?.includes(own)) return feed;
    feed.close();
    throw new NotSubscribable(server.slug);
  }

  /** Lets go of resources that are kept from the client by now, and goes on with those that no longer are. */
  private applyVisibility(session: Session, { resources: watched, view, notifier: teller }: SessionState): void {
    for (const watching of watched.values()) {
      const { handle: feed, resource } = watching;
      const isShown = view.isResourceVisible(resource.uri);
      if (feed && !isShown) {
        watching.handle = undefined;
        void feed.then(close, ignoreFailure);
      } else if (!feed && isShown) {
        watching.handle = Promise.resolve(this.resubscribe(session, resource));
        // It may have changed meanwhile.
        teller.record({ method: RESOURCE_UPDATED, params: { uri: resource.uri } }, { resource: resource.uri });
      }
    }
  }

  /** The server was asked before, and may be away now. */
  private resubscribe(session: Session, resource: SubscribedResource): SubscriptionHandle {
    const filter = { resourceSubscriptions: [resource.own] };
    return this.subscriptions.subscribeWithRetry(
      resource.server,
      toConnectionScope(session),
      filter,
      this.changeHandlerFor(session, resource),
    );
  }

  private changeHandlerFor(session: Session, { uri }: SubscribedResource): OnChange {
    const { notifier: teller } = this.stateOf(session);
    return (change) => teller.record({ ...change, params: { ...change.params, uri } }, { resource: uri });
  }

  private stateOf(session: Session): SessionState {
    const known = this.sessions.get(session);
    if (known) return known;
    const teller = new ChangeNotifier((notification) => session.notify(notification));
    const told: SessionState = {
      notifier: teller,
      resources: new Map(),
      view: this.views.open(toViewer(session), []),
      hasListSubscriptions: false,
    };
    this.sessions.set(session, told);
    teller.setView(told.view);
    const { endpoint, caller } = session.start;
    const stopReviewing = this.endpoints.onChange(endpoint, caller, () => this.applyVisibility(session, told));
    session.onEnd(() => {
      stopReviewing();
      teller.close();
      for (const { handle: feed } of told.resources.values()) void feed?.then(close, ignoreFailure);
    });
    return told;
  }
}

const close = (feed: SubscriptionHandle): void => feed.close();
const ignoreFailure = (): void => undefined;

const toViewer = ({ client, start: { caller, endpoint } }: Session) => ({ caller, client, endpoint });

const toConnectionScope = (session: Session): ConnectionScope => ({
  caller: session.start.caller,
  client: session.client,
  session,
});
