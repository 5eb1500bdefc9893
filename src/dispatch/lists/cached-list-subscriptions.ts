import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import {
  capabilityOf,
  isJsonObject,
  LIST_CHANGES,
  LIST_FLAGS,
  type JsonObject,
  type ListFlag,
} from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import type { ServerDefinition } from '../../registry/index.js';
import { ServerSubscriptions, type SubscriptionHandle } from '../../subscriptions/index.js';
import type { Inbound } from '../inbound.js';
import { ServerProfiles } from '../server-profiles.js';

/** Minimum lifetime of a subscription after the last list of its server was cached. */
const MIN_SUBSCRIPTION_MS = 60_000;
/** Delay before the subscription at a server is tried again after it failed. */
const RETRY_DELAY_MS = 30_000;

interface CachedListSubscription {
  readonly server: ServerDefinition;
  until: number;
  subscription: SubscriptionHandle | undefined;
  cancelClose: (() => void) | undefined;
}

/**
 * Subscribes to list changes of servers that have cached lists. Clients share these upstream subscriptions. Lists of a server
 * without announcements, or whose subscription fails, stay cached for the lifetime that the server declared.
 */
@Injectable()
export class CachedListSubscriptions implements BeforeApplicationShutdown {
  private readonly logger = new Logger(CachedListSubscriptions.name);
  private readonly subscriptions = new Map<string, CachedListSubscription>();
  private isDraining = false;

  constructor(
    private readonly serverSubscriptions: ServerSubscriptions,
    private readonly profiles: ServerProfiles,
    private readonly clock: Clock,
  ) {}

  /** Subscribes for at least `forMs` milliseconds, the lifetime of the cached list. */
  subscribe(server: ServerDefinition, identity: Pick<Inbound, 'caller' | 'client'>, forMs: number): void {
    if (this.isDraining) return;
    const until = this.clock.monotonicNow() + Math.max(forMs, MIN_SUBSCRIPTION_MS);
    const known = this.subscriptions.get(server.slug);
    if (known?.server === server) {
      known.until = Math.max(known.until, until);
      return;
    }
    if (known) this.close(server.slug, known);
    const followed: CachedListSubscription = { server, until, subscription: undefined, cancelClose: undefined };
    this.subscriptions.set(server.slug, followed);
    this.scheduleClose(server.slug, followed, Math.max(forMs, MIN_SUBSCRIPTION_MS));
    void this.open(server, identity, followed);
  }

  /** True while the server would announce a change of the list to this worker. */
  isSubscribed(server: ServerDefinition, list: ListFlag): boolean {
    const followed = this.subscriptions.get(server.slug);
    const subscription = followed?.server === server ? followed.subscription : undefined;
    return subscription?.isLive === true && subscription.honoured[list] === true;
  }

  beforeApplicationShutdown(): void {
    this.isDraining = true;
    for (const [slug, followed] of this.subscriptions) this.close(slug, followed);
  }

  private async open(
    server: ServerDefinition,
    { caller, client }: Pick<Inbound, 'caller' | 'client'>,
    followed: CachedListSubscription,
  ): Promise<void> {
    try {
      const { capabilities } = await this.profiles.profileOf(server, { caller, client });
      const filter = Object.fromEntries(announcedLists(capabilities).map((flag) => [flag, true] as const));
      if (Object.keys(filter).length === 0) return;
      const scope = { caller, client, session: undefined };
      const subscription = await this.serverSubscriptions.subscribe(server, scope, filter, () => undefined);
      followed.subscription = subscription;
      if (this.subscriptions.get(server.slug) !== followed) subscription.close();
    } catch (cause) {
      this.logger.debug(`Failed to subscribe to list changes of ${server.slug}: ${String(cause)}`);
      followed.cancelClose?.();
      this.scheduleClose(server.slug, followed, RETRY_DELAY_MS, true);
    }
  }

  private scheduleClose(slug: string, followed: CachedListSubscription, afterMs: number, isFinal = false): void {
    followed.cancelClose = this.clock.after(afterMs, () => {
      const leftMs = isFinal ? 0 : followed.until - this.clock.monotonicNow();
      if (leftMs > 0) this.scheduleClose(slug, followed, leftMs);
      else this.close(slug, followed);
    });
  }

  private close(slug: string, followed: CachedListSubscription): void {
    followed.cancelClose?.();
    if (this.subscriptions.get(slug) === followed) this.subscriptions.delete(slug);
    followed.subscription?.close();
  }
}

/** The lists whose changes a server declares to announce. */
function announcedLists(capabilities: JsonObject): ListFlag[] {
  return LIST_FLAGS.filter((flag) => {
    const declared = capabilities[capabilityOf(LIST_CHANGES[flag].lists[0]) ?? ''];
    return isJsonObject(declared) && declared['listChanged'] === true;
  });
}
