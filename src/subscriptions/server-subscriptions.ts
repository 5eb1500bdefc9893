import { Injectable, Logger } from '@nestjs/common';
import { LIST_CHANGES, type ListFlag } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { UpstreamPool, type ConnectionScope } from '../connections/index.js';
import type { ChangeFilter } from '../upstream/index.js';
import { Subscriber, type SubscriptionHandle, type SubscriberTraits, type OnChange } from './subscriber.js';
import { isRetriable, RetryDelays } from './pending-subscriber.js';
import { SharedSubscription, type ListChangeReason } from './shared-subscription.js';
import { SharingChanged, ServerRemoved } from './subscriptions.errors.js';

/** Receives the slug of the server and the list that changed there, or may have changed. */
export type ListObserver = (server: string, list: ListFlag, reason: ListChangeReason) => void;

/** A server that is reached after this time, in milliseconds, may be missing from lists. */
const LATE_MS = 1_000;
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
    private readonly clock: Clock,
  ) {}

  /** Subscribes to changes at a server. Rejects with a GatewayError if the server cannot be reached or rejects it. */
  async subscribe(
    server: ServerDefinition,
    scope: ConnectionScope,
    filter: ChangeFilter,
    onChange: OnChange,
  ): Promise<SubscriptionHandle> {
    const subscriber = this.createSubscriber(
      { server: server.slug, scope, retriesUnreachable: false },
      filter,
      onChange,
    );
    try {
      await this.attach(subscriber);
    } catch (cause) {
      this.subscribers.delete(subscriber);
      throw cause;
    }
    return subscriber;
  }

  /**
   * Subscribes to changes, and waits for a server that cannot be reached now. Does not retry after a rejection. When the
   * server is reached late, or `isMissing` states that it was missing before, everything is reported as changed then.
   */
  subscribeWithRetry(
    server: ServerDefinition,
    scope: ConnectionScope,
    filter: ChangeFilter,
    onChange: OnChange,
    isMissing = false,
  ): SubscriptionHandle {
    const subscriber = this.createSubscriber(
      { server: server.slug, scope, retriesUnreachable: true, isMissing },
      filter,
      onChange,
    );
    void this.attachWithRetry(subscriber);
    return subscriber;
  }

  /**
   * Registers an observer of every list change that any subscriber of this worker could receive, and of each list that
   * was subscribed to again. Returns a function that removes it.
   */
  onListChange(observer: ListObserver): () => void {
    this.observers.add(observer);
    return () => void this.observers.delete(observer);
  }

  /**
   * Publishes a list change of which the server sends no notification: administrators of the gateway caused it, or a list was
   * `found` that clients lacked before.
   */
  publishListChange(server: string, list: ListFlag, reason: ListChangeReason = 'changed'): void {
    for (const observe of this.observers) observe(server, list, reason);
    for (const subscriber of this.subscribers) {
      if (subscriber.traits.server === server)
        subscriber.receive({ method: LIST_CHANGES[list].notification, params: {} });
    }
  }

  private createSubscriber(traits: SubscriberTraits, filter: ChangeFilter, onChange: OnChange): Subscriber {
    const subscriber = new Subscriber(traits, filter, onChange, this.clock, (closed) =>
      this.subscribers.delete(closed),
    );
    this.subscribers.add(subscriber);
    return subscriber;
  }

  /** Retries for each subscriber separately: until its server was reached, it is unknown with whom it may share. */
  private async attachWithRetry(subscriber: Subscriber): Promise<void> {
    const { server } = subscriber.traits;
    const delays = new RetryDelays();
    const startedAt = this.clock.monotonicNow();
    let isMissing = subscriber.traits.isMissing === true;
    subscriber.hasReportedAll = false;
    while (!subscriber.isClosed) {
      try {
        await this.attach(subscriber);
        const isLate = isMissing || this.clock.monotonicNow() - startedAt >= LATE_MS;
        if (isLate && !subscriber.hasReportedAll) subscriber.notifyAllChanged();
        return;
      } catch (cause) {
        isMissing = true;
        if (!subscriber.wasAttached && !isRetriable(cause)) {
          this.logger.debug(`Server ${server} rejected a subscription to changes: ${String(cause)}`);
          return;
        }
        await subscriber.pause(delays.next());
      }
    }
  }

  private async attach(subscriber: Subscriber): Promise<void> {
    for (let changes = 0; ; changes += 1) {
      const { server, scope } = subscriber.traits;
      const sharingKey = await this.upstreams.sharingKeyOf(this.find(server), scope);
      if (subscriber.isClosed) return;
      try {
        return await this.sharedSubscriptionFor(sharingKey, server).join(subscriber);
      } catch (cause) {
        if (!(cause instanceof SharingChanged) || changes >= MAX_SHARING_CHANGES) throw cause;
      }
    }
  }

  private sharedSubscriptionFor(sharingKey: string | undefined, slug: string): SharedSubscription {
    const known = sharingKey === undefined ? undefined : this.shared.get(sharingKey);
    if (known) return known;
    const subscription = new SharedSubscription({
      clock: this.clock,
      sharingKey,
      hold: async (scope) => this.upstreams.hold(this.find(slug), scope),
      onAttached: (subscriber) => this.bindSession(subscriber),
      onListChange: (list, reason) => {
        for (const observe of this.observers) observe(slug, list, reason);
      },
      onInterruption: (cause) =>
        this.logger.warn(`The subscription to changes of server ${slug} was interrupted: ${String(cause)}`),
      onDetached: (subscriber) => void this.attachWithRetry(subscriber),
      onEmpty: () => {
        if (sharingKey !== undefined && this.shared.get(sharingKey) === subscription) this.shared.delete(sharingKey);
      },
    });
    if (sharingKey !== undefined) this.shared.set(sharingKey, subscription);
    return subscription;
  }

  /** Uses the connection once for the session, so that notifications pass between the session and the server. */
  private bindSession({ traits: { server, scope } }: Subscriber): void {
    const { session } = scope;
    const definition = this.registry.find(server);
    if (!session || session.isEnded || !definition) return;
    this.upstreams.use(definition, scope, async () => undefined).catch(() => undefined);
  }

  /** @throws ServerRemoved */
  private find(slug: string): ServerDefinition {
    const server = this.registry.find(slug);
    if (!server) throw new ServerRemoved(slug);
    return server;
  }
}
