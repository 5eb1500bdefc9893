import { createHash } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LIST_CHANGES, type JsonObject, type ListMethod } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { capabilitiesKeyOf } from '../../connections/index.js';
import { ServerRegistry, type ServerDefinition } from '../../registry/index.js';
import { DispatchConfig } from '../dispatch.config.js';

/** Identifies one page of a list for one caller and one set of client capabilities. */
export interface ListPage {
  readonly server: ServerDefinition;
  readonly method: ListMethod;
  readonly cursor?: string;
  /** The capabilities that the client declares: a server may adapt its lists to them. */
  readonly capabilities: JsonObject;
  /** Authorization context: a private page is returned only in its own context (invariant 11). */
  readonly context: string;
}

export interface CachedPage {
  readonly result: JsonObject;
  /** True when the page may be returned in every authorization context. */
  readonly isPublic: boolean;
  /** The sequence number that `nextSequence` returned before the page was requested. */
  readonly sequence: number;
  /** Expiry, as a monotonic time of the clock. */
  readonly expiresAt: number;
}

interface Entry extends CachedPage {
  readonly server: ServerDefinition;
  readonly method: ListMethod;
  readonly size: number;
}

const MAX_ENTRIES = 10_000;
/** Estimated size of an entry beside its JSON. */
const ENTRY_OVERHEAD_BYTES = 1_024;
/** The cache always holds this many pages: one page uses at most a quarter of it. */
const MIN_ENTRIES_AT_CAPACITY = 4;

/**
 * Caches pages of lists for the lifetime that their servers declare (specification 2026: server/utilities/caching). A page is
 * not stored when its list was invalidated, or its server's definition changed, after it was requested (invariant 12).
 */
@Injectable()
export class ListCache implements OnApplicationShutdown {
  /** Ordered by last use, oldest first. */
  private readonly entries = new Map<string, Entry>();
  /** Requests for pages that may be cached, by whether the cache answered them. */
  readonly lookups = { hits: 0, misses: 0 };
  private readonly keysByServer = new Map<string, Set<string>>();
  /** By configured server and method: pages requested up to this sequence number are stale. */
  private readonly invalidatedAt = new Map<string, number>();
  private readonly stopWatching: () => void;
  private bytes = 0;
  private lastSequence = 0;

  constructor(
    private readonly config: DispatchConfig,
    private readonly registry: ServerRegistry,
    private readonly clock: Clock,
  ) {
    this.stopWatching = registry.onChange((now, before) => {
      const current = new Set(now.servers);
      const slugs = new Set(now.servers.map(({ slug }) => slug));
      for (const server of before.servers) {
        if (!current.has(server)) this.removePages(server.slug);
        if (!slugs.has(server.slug)) this.removeMarks(server.slug);
      }
    });
  }

  /** False when the cache size is zero. */
  get isEnabled(): boolean {
    return this.config.listCacheBytes > 0;
  }

  /** Returns the next sequence number. Callers obtain one before they send a list request. */
  nextSequence(): number {
    return (this.lastSequence += 1);
  }

  /** True when the list was invalidated after the sequence number was issued, or the server's definition changed. */
  isStale({ server, method }: Pick<ListPage, 'server' | 'method'>, sequence: number): boolean {
    return sequence <= (this.invalidatedAt.get(toListKey(server.slug, method)) ?? 0) || !this.isCurrent(server);
  }

  /** Returns the cached page if it has not expired and is public or belongs to the same context. */
  find(page: ListPage): CachedPage | undefined {
    return this.readEntry(toPageKey(page, page.context), page) ?? this.readEntry(toPageKey(page, undefined), page);
  }

  /** Stores a page, unless it is stale or too large. */
  store(page: ListPage, remembered: CachedPage): void {
    if (!this.isEnabled || this.isStale(page, remembered.sequence)) return;
    const size = JSON.stringify(remembered.result).length + ENTRY_OVERHEAD_BYTES;
    if (size * MIN_ENTRIES_AT_CAPACITY > this.config.listCacheBytes) return;
    const key = toPageKey(page, remembered.isPublic ? undefined : page.context);
    this.remove(key);
    this.entries.set(key, { ...remembered, server: page.server, method: page.method, size });
    const keys = this.keysByServer.get(page.server.slug) ?? new Set();
    this.keysByServer.set(page.server.slug, keys.add(key));
    this.bytes += size;
    this.evict();
  }

  /** Removes the pages of a list and marks the requests that are in flight for it as stale. */
  invalidate(slug: string, method: ListMethod): void {
    this.invalidatedAt.set(toListKey(slug, method), this.nextSequence());
    for (const key of this.keysByServer.get(slug) ?? []) if (this.entries.get(key)?.method === method) this.remove(key);
  }

  /** Invalidates the list when a cached page contains this cursor, which the server has rejected. */
  invalidateCursor({ server: { slug }, method, cursor }: ListPage): void {
    const containsCursor = (key: string) => {
      const entry = this.entries.get(key);
      return entry?.method === method && entry.result['nextCursor'] === cursor;
    };
    if ([...(this.keysByServer.get(slug) ?? [])].some(containsCursor)) this.invalidate(slug, method);
  }

  onApplicationShutdown(): void {
    this.stopWatching();
  }

  private readEntry(key: string, { server }: ListPage): CachedPage | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    if (entry.server !== server || this.clock.monotonicNow() >= entry.expiresAt) {
      if (entry.server === server) this.remove(key);
      return undefined;
    }
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry;
  }

  private evict(): void {
    for (const key of this.entries.keys()) {
      if (this.bytes <= this.config.listCacheBytes && this.entries.size <= MAX_ENTRIES) return;
      this.remove(key);
    }
  }

  private remove(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.bytes -= entry.size;
    const keys = this.keysByServer.get(entry.server.slug);
    keys?.delete(key);
    if (keys?.size === 0) this.keysByServer.delete(entry.server.slug);
  }

  private removePages(slug: string): void {
    for (const key of this.keysByServer.get(slug) ?? []) this.remove(key);
  }

  /** What was requested of a removed server is stale in any case, so its marks are not needed any more. */
  private removeMarks(slug: string): void {
    for (const { lists } of Object.values(LIST_CHANGES))
      for (const method of lists) this.invalidatedAt.delete(toListKey(slug, method));
  }

  private isCurrent(server: ServerDefinition): boolean {
    return this.registry.find(server.slug) === server;
  }
}

const toListKey = (slug: string, method: ListMethod): string => `${slug} ${method}`;

/** Without a context, the key of a public page. Hashed, because clients choose the length of cursors. */
function toPageKey(page: ListPage, context: string | undefined): string {
  const { server, method, cursor } = page;
  const text = JSON.stringify([cursor ?? null, context ?? null, capabilitiesKeyOf(page)]);
  return `${server.slug} ${method} ${createHash('sha256').update(text).digest('base64')}`;
}
