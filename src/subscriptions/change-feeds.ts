import { Injectable, Logger } from '@nestjs/common';
import { LIST_CHANGES, type ListFlag } from '#lib/mcp-protocol';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { UpstreamPool, type UpstreamFace } from '../session-pool/index.js';
import type { ChangeFilter } from '../upstream/index.js';
import { FeedListener, type Feed, type ListenerTraits, type OnChange } from './feed.js';
import { mayComeBack, Pauses } from './guests.js';
import { SharedFeed, type ListNews } from './shared-feed.js';
import { EntitlementChanged, ServerRemoved } from './subscriptions.errors.js';

/** Receives the slug of the server and the list that changed there, or may have changed. */
export type ListObserver = (server: string, list: ListFlag, why: ListNews) => void;

/** How often the sharing rule of a server may change while a subscriber attaches. */
const MOST_MOVES = 3;

/**
 * Notifies subscribers of changes at servers. All subscribers that may share a server's connection share one
 * subscription, which outlives closed connections and changed definitions.
 */
@Injectable()
export class ChangeFeeds {
  private readonly logger = new Logger(ChangeFeeds.name);
  private readonly shared = new Map<string, SharedFeed>();
  private readonly observers = new Set<ListObserver>();
  private readonly listeners = new Set<FeedListener>();

  constructor(
    private readonly upstreams: UpstreamPool,
    private readonly registry: ServerRegistry,
  ) {}

  /** Subscribes to changes at a server. Rejects with a GatewayError if the server cannot be reached or rejects it. */
  async open(server: ServerDefinition, face: UpstreamFace, filter: ChangeFilter, onChange: OnChange): Promise<Feed> {
    const listener = this.listenerFor({ server: server.slug, face, isPatient: false }, filter, onChange);
    try {
      await this.admit(listener);
    } catch (cause) {
      this.listeners.delete(listener);
      throw cause;
    }
    return listener;
  }

  /** Subscribes to changes, and waits for a server that cannot be reached now. Does not retry after a rejection. */
  follow(server: ServerDefinition, face: UpstreamFace, filter: ChangeFilter, onChange: OnChange): Feed {
    const listener = this.listenerFor({ server: server.slug, face, isPatient: true }, filter, onChange);
    void this.admitPatiently(listener);
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
  announce(server: string, list: ListFlag): void {
    for (const tell of this.observers) tell(server, list, 'changed');
    for (const listener of this.listeners) {
      if (listener.traits.server === server) listener.hear({ method: LIST_CHANGES[list].told, params: {} });
    }
  }

  private listenerFor(traits: ListenerTraits, filter: ChangeFilter, onChange: OnChange): FeedListener {
    const listener = new FeedListener(traits, filter, onChange, (closed) => this.listeners.delete(closed));
    this.listeners.add(listener);
    return listener;
  }

  /** Retries for each subscriber separately: until its server was reached, it is unknown with whom it may share. */
  private async admitPatiently(listener: FeedListener): Promise<void> {
    const { server } = listener.traits;
    const pauses = new Pauses();
    while (!listener.isClosed) {
      try {
        return await this.admit(listener);
      } catch (cause) {
        if (!listener.wasServed && !mayComeBack(cause)) {
          this.logger.debug(`Server ${server} rejected a subscription to changes: ${String(cause)}`);
          return;
        }
        await listener.pause(pauses.next());
      }
    }
  }

  private async admit(listener: FeedListener): Promise<void> {
    for (let moves = 0; ; moves += 1) {
      const { server, face } = listener.traits;
      const entitlement = await this.upstreams.entitlementOf(this.find(server), face);
      if (listener.isClosed) return;
      try {
        return await this.feedOf(entitlement, server).join(listener);
      } catch (cause) {
        if (!(cause instanceof EntitlementChanged) || moves >= MOST_MOVES) throw cause;
      }
    }
  }

  private feedOf(entitlement: string | undefined, slug: string): SharedFeed {
    const known = entitlement === undefined ? undefined : this.shared.get(entitlement);
    if (known) return known;
    const feed = new SharedFeed({
      entitlement,
      hold: async (face) => this.upstreams.hold(this.find(slug), face),
      onServed: (listener) => this.bind(listener),
      onListChange: (list, why) => {
        for (const tell of this.observers) tell(slug, list, why);
      },
      onInterruption: (cause) =>
        this.logger.warn(`The subscription to changes of server ${slug} was interrupted: ${String(cause)}`),
      onParted: (listener) => void this.admitPatiently(listener),
      onOver: () => {
        if (entitlement !== undefined && this.shared.get(entitlement) === feed) this.shared.delete(entitlement);
      },
    });
    if (entitlement !== undefined) this.shared.set(entitlement, feed);
    return feed;
  }

  /** Uses the connection once for the session, so that notifications pass between the session and the server. */
  private bind({ traits: { server, face } }: FeedListener): void {
    const { session } = face;
    const definition = this.registry.find(server);
    if (!session || session.ended || !definition) return;
    this.upstreams.use(definition, face, async () => undefined).catch(() => undefined);
  }

  /** @throws ServerRemoved */
  private find(slug: string): ServerDefinition {
    const server = this.registry.find(slug);
    if (!server) throw new ServerRemoved(slug);
    return server;
  }
}
