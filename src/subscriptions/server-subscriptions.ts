import { Injectable, Logger } from '@nestjs/common';
import { LIST_CHANGES, type ListFlag } from '#lib/mcp-protocol';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { UpstreamPool, type ConnectionScope } from '../connections/index.js';
import type { ChangeFilter } from '../upstream/index.js';
import { Subscriber, type SubscriptionHandle, type SubscriberTraits, type OnChange } from './subscriber.js';
import { isRetriable, RetryDelays } from './pending-subscriber.js';
import { SharedSubscription, type ListChangeReason } from './shared-subscription.js';
import { SharingChanged, ServerRemoved } from './subscriptions.errors.js';

/** Takes the server, by its slug, and the list that changed there, or may have. */
export type ListObserver = (server: string, list: ListFlag, why: ListChangeReason) => void;

/** How often a server may turn out to be another one while a listener looks for its feed. */
const MAX_SHARING_CHANGES = 3;

/**
 * Tells listeners of changes at servers. All who may share what is had of a server listen over one subscription, which
 * lasts when a connection ends by itself, or a server is configured anew.
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

  /** Rejects with a GatewayError when the server cannot be reached or refuses. */
  async subscribe(
    server: ServerDefinition,
    face: ConnectionScope,
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

  /** A feed that waits for a server that cannot be reached now. One that refuses is not asked again. */
  subscribeWithRetry(
    server: ServerDefinition,
    face: ConnectionScope,
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
   * Calls back with every change of a list that any listener here could hear of, and with each list that is listened to
   * anew. Returns how to stop.
   */
  onListChange(observer: ListObserver): () => void {
    this.observers.add(observer);
    return () => void this.observers.delete(observer);
  }

  /** A list has changed by what people here have said of it: the server itself tells nobody. */
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

  /** Not known while its server has never been reached is with whom a listener may share; then each waits by itself. */
  private async attachWithRetry(listener: Subscriber): Promise<void> {
    const { server } = listener.traits;
    const pauses = new RetryDelays();
    while (!listener.isClosed) {
      try {
        return await this.attach(listener);
      } catch (cause) {
        if (!listener.wasAttached && !isRetriable(cause)) {
          this.logger.debug(`${server} tells nobody of changes: ${String(cause)}`);
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
      onInterruption: (cause) => this.logger.warn(`The change feed of ${slug} is interrupted: ${String(cause)}`),
      onDetached: (listener) => void this.attachWithRetry(listener),
      onEmpty: () => {
        if (entitlement !== undefined && this.shared.get(entitlement) === feed) this.shared.delete(entitlement);
      },
    });
    if (entitlement !== undefined) this.shared.set(entitlement, feed);
    return feed;
  }

  /** A session hears of what else its connections say, and its client's own notifications go there. */
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
