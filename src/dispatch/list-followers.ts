import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import {
  capabilityOf,
  isJsonObject,
  LIST_CHANGES,
  LIST_FLAGS,
  type JsonObject,
  type ListFlag,
} from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import { ChangeFeeds, type Feed } from '../subscriptions/index.js';
import type { Inbound } from './inbound.js';
import { ServerProfiles } from './server-profiles.js';

/** Minimum lifetime of a subscription after the last list of its server was cached. */
const LEAST_MS = 60_000;
/** Delay before the subscription at a server is tried again after it failed. */
const RETRY_MS = 30_000;

interface Followed {
  readonly server: ServerDefinition;
  until: number;
  feed: Feed | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Subscribes to list changes of servers that have cached lists. Clients share these upstream subscriptions. Lists of a server
 * without announcements, or whose subscription fails, stay cached for the lifetime that the server declared.
 */
@Injectable()
export class ListFollowers implements BeforeApplicationShutdown {
  private readonly logger = new Logger(ListFollowers.name);
  private readonly followed = new Map<string, Followed>();
  private isLeaving = false;

  constructor(
    private readonly feeds: ChangeFeeds,
    private readonly profiles: ServerProfiles,
  ) {}

  /** Subscribes for at least `forMs` milliseconds, the lifetime of the cached list. */
  follow(server: ServerDefinition, identity: Pick<Inbound, 'caller' | 'client'>, forMs: number): void {
    if (this.isLeaving) return;
    const until = performance.now() + Math.max(forMs, LEAST_MS);
    const known = this.followed.get(server.slug);
    if (known?.server === server) {
      known.until = Math.max(known.until, until);
      return;
    }
    if (known) this.end(server.slug, known);
    const followed: Followed = { server, until, feed: undefined, timer: undefined };
    this.followed.set(server.slug, followed);
    this.endLater(server.slug, followed, Math.max(forMs, LEAST_MS));
    void this.open(server, identity, followed);
  }

  /** True while the server would announce a change of the list to this worker. */
  hears(server: ServerDefinition, list: ListFlag): boolean {
    const followed = this.followed.get(server.slug);
    const feed = followed?.server === server ? followed.feed : undefined;
    return feed?.isLive === true && feed.honoured[list] === true;
  }

  beforeApplicationShutdown(): void {
    this.isLeaving = true;
    for (const [slug, followed] of this.followed) this.end(slug, followed);
  }

  private async open(
    server: ServerDefinition,
    { caller, client }: Pick<Inbound, 'caller' | 'client'>,
    followed: Followed,
  ): Promise<void> {
    try {
      const { capabilities } = await this.profiles.of(server, { caller, client });
      const filter = Object.fromEntries(announcedBy(capabilities).map((flag) => [flag, true] as const));
      if (Object.keys(filter).length === 0) return;
      const scope = { caller, client, session: undefined };
      const feed = await this.feeds.open(server, scope, filter, () => undefined);
      followed.feed = feed;
      if (this.followed.get(server.slug) !== followed) feed.close();
    } catch (cause) {
      this.logger.debug(`Failed to subscribe to list changes of ${server.slug}: ${String(cause)}`);
      clearTimeout(followed.timer);
      this.endLater(server.slug, followed, RETRY_MS, true);
    }
  }

  private endLater(slug: string, followed: Followed, afterMs: number, isFinal = false): void {
    followed.timer = setTimeout(() => {
      const leftMs = isFinal ? 0 : followed.until - performance.now();
      if (leftMs > 0) this.endLater(slug, followed, leftMs);
      else this.end(slug, followed);
    }, afterMs).unref();
  }

  private end(slug: string, followed: Followed): void {
    clearTimeout(followed.timer);
    if (this.followed.get(slug) === followed) this.followed.delete(slug);
    followed.feed?.close();
  }
}

/** The lists whose changes a server declares to announce. */
function announcedBy(capabilities: JsonObject): ListFlag[] {
  return LIST_FLAGS.filter((flag) => {
    const declared = capabilities[capabilityOf(LIST_CHANGES[flag].lists[0]) ?? ''];
    return isJsonObject(declared) && declared['listChanged'] === true;
  });
}
