import { Injectable } from '@nestjs/common';
import { LIST_FLAGS, RESOURCE_UPDATED, type McpNotification } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { EndpointDirectory, passesUnknownMethods, type Endpoint } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { Session, SessionAccess, SessionViewer } from '../session-pool/index.js';
import type { ConnectionScope } from '../connections/index.js';
import { toMissedChanges } from '../upstream/index.js';
import { ServerSubscriptions } from './server-subscriptions.js';
import { ChangeNotifier, toOrigins } from './change-notifier.js';
import type { SubscriptionHandle, OnChange } from './subscriber.js';
import { DeferredListViews, type ListView, type Viewer } from './list-views.js';
import { NotSubscribable, TooManySubscriptions } from './subscriptions.errors.js';

/** A resource at one server that a session subscribed to. */
export interface SubscribedResource {
  readonly server: ServerDefinition;
  /** URI of the resource at the server. `uri` is its public URI, which the client uses. */
  readonly own: string;
  readonly uri: string;
}

const NO_SERVERS: Pick<Endpoint, 'servers'> = { servers: [] };
const ALL_LISTS = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

/** Maximum number of resources that one session may be subscribed to. */
const MAX_SUBSCRIBED_RESOURCES = 1_000;

interface ResourceSubscription {
  readonly resource: SubscribedResource;
  /** Undefined while the resource is hidden from the client. It is subscribed to again once it is visible. */
  handle: Promise<SubscriptionHandle> | undefined;
}

/** Subscriptions of one session, and its view of lists and resources. */
interface SessionState {
  readonly notifier: ChangeNotifier;
  /** By public URI. */
  readonly resources: Map<string, ResourceSubscription>;
  view: ListView;
  hasListSubscriptions: boolean;
}

/** Notifies legacy sessions of changes: of lists while a stream is open, and of the resources they subscribed to. */
@Injectable()
export class SessionSubscriptions {
  private readonly sessions = new WeakMap<Session, SessionState>();
  private readonly access: SessionAccess = {
    showsServer: (session, slug) => this.findServer(session, slug) !== undefined,
    passesUnknownMethods: (session, slug) => {
      // Few entries allow it, and the view of the caller costs more.
      if (serverOf(this.endpoints.find(session.start.endpoint), slug)?.allowUnknownMethods !== true) return false;
      const endpoint = this.findEndpoint(session);
      const server = serverOf(endpoint, slug);
      return endpoint !== undefined && server !== undefined && passesUnknownMethods(endpoint, server);
    },
  };

  constructor(
    private readonly subscriptions: ServerSubscriptions,
    private readonly endpoints: EndpointDirectory,
    private readonly views: DeferredListViews,
    private readonly clock: Clock,
  ) {}

  /**
   * Subscribes a session to a resource. Idempotent. Rejects with a GatewayError if the server rejects it, or at the
   * limit.
   */
  async subscribe(session: Session, resource: SubscribedResource): Promise<void> {
    const { uri } = resource;
    const { resources, view } = this.stateOf(session);
    const known = resources.get(uri);
    if (known?.handle) return void (await known.handle);
    if (resources.size >= MAX_SUBSCRIBED_RESOURCES && !known) throw new TooManySubscriptions(MAX_SUBSCRIBED_RESOURCES);
    const opening: ResourceSubscription = {
      resource,
      handle: view.isResourceVisible(uri) ? this.open(session, resource) : undefined,
    };
    resources.set(uri, opening);
    try {
      const handle = await opening.handle;
      if (session.isEnded) handle?.close();
    } catch (cause) {
      if (resources.get(uri) === opening) resources.delete(uri);
      throw cause;
    }
  }

  /** Limits what servers may send to a new or restored session to what its caller may receive at that moment. */
  restrict(session: Session): void {
    session.access = this.access;
  }

  /** Returns the resources that the session is subscribed to. */
  subscribedResources(session: Session): readonly SubscribedResource[] {
    return [...(this.sessions.get(session)?.resources.values() ?? [])].map(({ resource }) => resource);
  }

  /** Sends pending notifications at once, before a handoff: the new owner does not know of them. */
  flush(session: Session): void {
    this.sessions.get(session)?.notifier.flush();
  }

  async unsubscribe(session: Session, { uri }: SubscribedResource): Promise<void> {
    const state = this.sessions.get(session);
    const subscription = state?.resources.get(uri);
    state?.resources.delete(uri);
    state?.notifier.discard(uri);
    const handle = await subscription?.handle?.catch(ignoreFailure);
    handle?.close();
    // Whatever the server sends before it has unsubscribed may be the last update that the client expects.
    await handle?.whenRemoved();
  }

  /** Subscribes to the lists of every server behind the session's endpoint, until the session ends. */
  subscribeToLists(session: Session): void {
    const whole = this.endpoints.find(session.start.endpoint);
    if (!whole || session.isEnded) return;
    const state = this.stateOf(session);
    if (state.hasListSubscriptions) return;
    state.hasListSubscriptions = true;
    const { notifier } = state;
    state.view = this.views.open(toViewer(session), LIST_FLAGS);
    notifier.setView(state.view);
    // For an endpoint with several servers, the session's own upstream sessions are opened by their first call, not
    // now.
    const scope = whole.transparent
      ? toConnectionScope(session)
      : { ...toConnectionScope(session), session: undefined };
    const handles = new Map<string, SubscriptionHandle>();
    const subscribeTo = ({ servers }: Pick<Endpoint, 'servers'>) => {
      for (const server of servers) {
        if (handles.has(server.slug)) continue;
        const onChange = (change: McpNotification) => notifier.record(change, { server: server.slug });
        handles.set(server.slug, this.subscriptions.subscribeWithRetry(server, scope, ALL_LISTS, onChange));
      }
      for (const [slug, handle] of handles) {
        if (servers.some((server) => server.slug === slug)) continue;
        handle.close();
        handles.delete(slug);
      }
    };
    // This worker may learn later than the one that admitted the client that its caller may use the endpoint.
    subscribeTo(this.findEndpoint(session) ?? NO_SERVERS);
    const stopWatching = this.watchEndpoint(session, (now, change) => {
      subscribeTo(now ?? NO_SERVERS);
      for (const origin of toOrigins(now, change))
        for (const missed of toMissedChanges(ALL_LISTS)) notifier.record(missed, origin);
    });
    session.onEnd(() => {
      stopWatching();
      for (const handle of handles.values()) handle.close();
    });
  }

  private async open(session: Session, resource: SubscribedResource): Promise<SubscriptionHandle> {
    const { server, own } = resource;
    const filter = { resourceSubscriptions: [own] };
    const handle = await this.subscriptions.subscribe(
      server,
      toConnectionScope(session),
      filter,
      this.changeHandlerFor(session, resource),
    );
    if (handle.honoured.resourceSubscriptions?.includes(own)) return handle;
    handle.close();
    throw new NotSubscribable(server.slug);
  }

  /**
   * Closes the subscriptions to resources that are now hidden from the client, and reopens those that are visible
   * again.
   */
  private applyVisibility(session: Session, { resources, view, notifier }: SessionState): void {
    for (const subscription of resources.values()) {
      const { handle, resource } = subscription;
      const isVisible = view.isResourceVisible(resource.uri);
      if (handle && !isVisible) {
        subscription.handle = undefined;
        void handle.then(close, ignoreFailure);
      } else if (!handle && isVisible) {
        subscription.handle = Promise.resolve(this.resubscribe(session, resource));
        // The resource may have changed while it was hidden.
        notifier.record({ method: RESOURCE_UPDATED, params: { uri: resource.uri } }, { resource: resource.uri });
      }
    }
  }

  /** Subscribes again, and waits for a server that cannot be reached: it accepted this subscription before. */
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
    const { notifier } = this.stateOf(session);
    return (change) => notifier.record({ ...change, params: { ...change.params, uri } }, { resource: uri });
  }

  private findEndpoint({ caller, start }: SessionViewer): Endpoint | undefined {
    return this.endpoints.findFor(caller, start.endpoint);
  }

  private findServer(session: SessionViewer, slug: string): ServerDefinition | undefined {
    return serverOf(this.findEndpoint(session), slug);
  }

  /** Notifies the listener when what the session's caller may see changes, also because another token is used. */
  private watchEndpoint(session: Session, listener: Parameters<EndpointDirectory['watch']>[2]): () => void {
    const watch = this.endpoints.watch(session.start.endpoint, session, listener);
    session.onCallerChange(watch.check);
    return watch.stop;
  }

  private stateOf(session: Session): SessionState {
    const known = this.sessions.get(session);
    if (known) return known;
    const notifier = new ChangeNotifier((notification) => session.notify(notification), this.clock);
    const state: SessionState = {
      notifier,
      resources: new Map(),
      view: this.views.open(toViewer(session), []),
      hasListSubscriptions: false,
    };
    this.sessions.set(session, state);
    notifier.setView(state.view);
    const stopWatching = this.watchEndpoint(session, () => this.applyVisibility(session, state));
    session.onEnd(() => {
      stopWatching();
      notifier.close();
      for (const { handle } of state.resources.values()) void handle?.then(close, ignoreFailure);
    });
    return state;
  }
}

const serverOf = (endpoint: Endpoint | undefined, slug: string): ServerDefinition | undefined =>
  endpoint?.servers.find((server) => server.slug === slug);

const close = (handle: SubscriptionHandle): void => handle.close();
const ignoreFailure = (): void => undefined;

/** The view follows the caller of the session. */
const toViewer = (session: Session): Viewer => ({
  get caller() {
    return session.caller;
  },
  client: session.client,
  endpoint: session.start.endpoint,
});

const toConnectionScope = (session: Session): ConnectionScope => ({
  caller: session.caller,
  client: session.client,
  session,
});
