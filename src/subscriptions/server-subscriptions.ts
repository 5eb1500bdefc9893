import { Injectable, Logger } from '@nestjs/common';
import { LIST_CHANGES, type ListFlag } from '#lib/mcp-protocol';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { UpstreamPool, type UpstreamFace } from '../session-pool/index.js';
import type { ChangeFilter } from '../upstream/index.js';
import { Subscriber, type SubscriptionHandle, type SubscriberTraits, type OnChange } from './subscriber.js';
import { isRetriable, RetryDelays } from './pending-subscriber.js';
import { SharedSubscription, type ListChangeReason } from './shared-subscription.js';
import { SharingChanged, ServerRemoved } from './subscriptions.errors.js';

/** Receives the slug of the server and the list that changed there, or may have changed. */
export type ListObserver = (server: string, list: ListFlag, why: ListChangeReason) => void;

/** How often the sharing rule of a server may change while a subscriber attaches. */
const MAX_SHARING_CHANGES = 3;

/**
 * Notifies subscribers of changes at servers. All subscribers that may share a server's connection share one
 * subscription, which outlives closed connections and changed definitions.
 */
@Injectable()
export class ServerSubscriptions {
  private readonly logger = new Logger(ServerSubscriptions.name);
  private readonly shared = new Map<string, SharedSubscription>();
  private readonly observers = new Set<ListObserver>();
  private readonly subscribers = new Set<Subscriber>();

  constructor(
    private readonly upstreams: UpstreamPool,
    private readonly registry: ServerRegistry,
  ) {}

  /** Subscribes to changes at a server. Rejects with a GatewayError if the server cannot be reached or rejects it. */
  async subscribe(
    server: ServerDefinition,
    face: UpstreamFace,
    filter: ChangeFilter,
    onChange: OnChange,
  ): Promise<SubscriptionHandle> {
    const listener = this.createSubscriber(
      { server: server.slug, scope: face, retriesUnreachable: false },
      filter,
      onChange,
    );
    try {
      await this.attach(listener);
    } catch (cause) {
      this.subscribers.delete(listener);
      throw cause;
    }
    return listener;
  }

  /** Subscribes to changes, and waits for a server that cannot be reached now. Does not retry after a rejection. */
  subscribeWithRetry(
    server: ServerDefinition,
    face: UpstreamFace,
    filter: ChangeFilter,
    onChange: OnChange,
  ): SubscriptionHandle {
    const listener = this.createSubscriber(
      { server: server.slug, scope: face, retriesUnreachable: true },
      filter,
      onChange,
    );
    void this.attachWithRetry(listener);
    return listener;
  }

  /**
   * Registers an observer of every list change that any subscriber of this worker could receive, and of each list that
   * was subscribed to again. Returns a function that removes it.
   */
  onListChange(observer: ListObserver): () => void {
    this.observers.add(observer);
    return () => void this.observers.delete(observer);
  }

  /** Publishes a list change that administrators of the gateway caused, of which the server sends no notification. */
  publishListChange(server: string, list: ListFlag): void {
    for (const tell of this.observers) tell(server, list, 'changed');
    for (const listener of this.subscribers) {
      if (listener.traits.server === server) listener.receive({ method: LIST_CHANGES[list].told, params: {} });
    }
  }

  private createSubscriber(traits: SubscriberTraits, filter: ChangeFilter, onChange: OnChange): Subscriber {
    const listener = new Subscriber(traits, filter, onChange, (closed) => this.subscribers.delete(closed));
    this.subscribers.add(listener);
    return listener;
  }

  /** Retries for each subscriber separately: until its server was reached, it is unknown with whom it may share. */
  private async attachWithRetry(listener: Subscriber): Promise<void> {
    const { server } = listener.traits;
    const pauses = new RetryDelays();
    while (!listener.isClosed) {
      try {
        return await this.attach(listener);
      } catch (cause) {
        if (!listener.wasAttached && !isRetriable(cause)) {
          this.logger.debug(`Server ${server} rejected a subscription to changes: ${String(cause)}`);
          return;
        }
        await listener.pause(pauses.next());
      }
    }
  }

  private async attach(listener: Subscriber): Promise<void> {
    for (let moves = 0; ; moves += 1) {
      const { server, scope: face } = listener.traits;
      const entitlement = await this.upstreams.sharingKeyOf(this.find(server), face);
      if (listener.isClosed) return;
      try {
        return await this.sharedSubscriptionFor(entitlement, server).join(listener);
      } catch (cause) {
        if (!(cause instanceof SharingChanged) || moves >= MAX_SHARING_CHANGES) throw cause;
      }
    }
  }

  private sharedSubscriptionFor(entitlement: string | undefined, slug: string): SharedSubscription {
    const known = entitlement === undefined ? undefined : this.shared.get(entitlement);
    if (known) return known;
    const feed = new SharedSubscription({
      sharingKey: entitlement,
      hold: async (face) => this.upstreams.hold(this.find(slug), face),
      onAttached: (listener) => this.bindSession(listener),
      onListChange: (list, why) => {
        for (const tell of this.observers) tell(slug, list, why);
      },
      onInterruption: (cause) =>
        this.logger.warn(`The subscription to changes of server ${slug} was interrupted: ${String(cause)}`),
      onDetached: (listener) => void this.attachWithRetry(listener),
      onEmpty: () => {
        if (entitlement !== undefined && this.shared.get(entitlement) === feed) this.shared.delete(entitlement);
      },
    });
    if (entitlement !== undefined) this.shared.set(entitlement, feed);
    return feed;
  }

  /** Uses the connection once for the session, so that notifications pass between the session and the server. */
  private bindSession({ traits: { server, scope: face } }: Subscriber): void {
    const { session } = face;
    const definition = this.registry.find(server);
    if (!session || session.isEnded || !definition) return;
    this.upstreams.use(definition, face, async () => undefined).catch(() => undefined);
  }

  /** @throws ServerRemoved */
  private find(slug: string): ServerDefinition {
    const server = this.registry.find(slug);
    if (!server) throw new ServerRemoved(slug);
    return server;
  }
}
