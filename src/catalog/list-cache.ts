import { createHash } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { JsonObject, ListMethod } from '#lib/mcp-protocol';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { CatalogConfig } from './catalog.config.js';

/** Identifies one page of a list for one caller and one set of client capabilities. */
export interface ListPage {
  readonly server: ServerDefinition;
  readonly method: ListMethod;
  readonly cursor?: string;
  /** The capabilities that the client declares: a server may adapt its lists to them. */
  readonly capabilities: JsonObject;
  /** Authorization context: a private page is returned only in its own context (invariant 4). */
  readonly context: string;
}

export interface RememberedPage {
  readonly result: JsonObject;
  /** True when the page may be returned in every authorization context. */
  readonly isPublic: boolean;
  /** The sequence number that `nextSequence` returned before the page was requested. */
  readonly mark: number;
  /** Expiry time on the clock of `performance.now()`. */
  readonly freshUntil: number;
}

interface Entry extends RememberedPage {
  readonly server: ServerDefinition;
  readonly method: ListMethod;
  readonly size: number;
}

const MOST_ENTRIES = 10_000;
/** Estimated size of an entry beside its JSON. */
const OVERHEAD = 1_024;
/** The cache always holds this many pages: one page uses at most a quarter of it. */
const LARGEST_SHARE = 4;

/**
 * Caches pages of lists for the lifetime that their servers declare (specification 2026: server/utilities/caching). A page is
 * not stored when its list was invalidated, or its server's definition changed, after it was requested (invariant 5).
 */
@Injectable()
export class ListCache implements OnApplicationShutdown {
  /** Ordered by last use, oldest first. */
  private readonly entries = new Map<string, Entry>();
  private readonly keysOf = new Map<string, Set<string>>();
  /** By server and method: pages requested up to this sequence number are stale. */
  private readonly staleUpTo = new Map<string, number>();
  private readonly stopWatching: () => void;
  private bytes = 0;
  private moments = 0;

  constructor(
    private readonly config: CatalogConfig,
    private readonly registry: ServerRegistry,
  ) {
    this.stopWatching = registry.onChange((now, before) => {
      const current = new Set(now.servers);
      for (const server of before.servers) if (!current.has(server)) this.forgetServer(server.slug);
    });
  }

  /** False when the cache size is zero. */
  get isOn(): boolean {
    return this.config.listCacheBytes > 0;
  }

  /** Returns the next sequence number. Callers obtain one before they send a list request. */
  begin(): number {
    return (this.moments += 1);
  }

  /** True when the list was invalidated after the sequence number was issued, or the server's definition changed. */
  isStale({ server, method }: Pick<ListPage, 'server' | 'method'>, mark: number): boolean {
    return mark <= (this.staleUpTo.get(listKey(server.slug, method)) ?? 0) || !this.isConfigured(server);
  }

  /** Returns the cached page if it has not expired and is public or belongs to the same context. */
  find(page: ListPage): RememberedPage | undefined {
    return this.findAt(keyOf(page, page.context), page) ?? this.findAt(keyOf(page, undefined), page);
  }

  /** Stores a page, unless it is stale or too large. */
  keep(page: ListPage, remembered: RememberedPage): void {
    if (!this.isOn || this.isStale(page, remembered.mark)) return;
    const size = JSON.stringify(remembered.result).length + OVERHEAD;
    if (size * LARGEST_SHARE > this.config.listCacheBytes) return;
    const key = keyOf(page, remembered.isPublic ? undefined : page.context);
    this.drop(key);
    this.entries.set(key, { ...remembered, server: page.server, method: page.method, size });
    const keys = this.keysOf.get(page.server.slug) ?? new Set();
    this.keysOf.set(page.server.slug, keys.add(key));
    this.bytes += size;
    this.makeRoom();
  }

  /** Removes the pages of a list and marks the requests that are in flight for it as stale. */
  forget(slug: string, method: ListMethod): void {
    this.staleUpTo.set(listKey(slug, method), this.begin());
    for (const key of this.keysOf.get(slug) ?? []) if (this.entries.get(key)?.method === method) this.drop(key);
  }

  /** Invalidates the list when a cached page contains this cursor, which the server has rejected. */
  cursorFailed({ server: { slug }, method, cursor }: ListPage): void {
    const containsCursor = (key: string) => {
      const entry = this.entries.get(key);
      return entry?.method === method && entry.result['nextCursor'] === cursor;
    };
    if ([...(this.keysOf.get(slug) ?? [])].some(containsCursor)) this.forget(slug, method);
  }

  onApplicationShutdown(): void {
    this.stopWatching();
  }

  private findAt(key: string, { server }: ListPage): RememberedPage | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    if (entry.server !== server || performance.now() >= entry.freshUntil) {
      if (entry.server === server) this.drop(key);
      return undefined;
    }
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry;
  }

  private makeRoom(): void {
    for (const key of this.entries.keys()) {
      if (this.bytes <= this.config.listCacheBytes && this.entries.size <= MOST_ENTRIES) return;
      this.drop(key);
    }
  }

  private drop(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.bytes -= entry.size;
    const keys = this.keysOf.get(entry.server.slug);
    keys?.delete(key);
    if (keys?.size === 0) this.keysOf.delete(entry.server.slug);
  }

  private forgetServer(slug: string): void {
    for (const key of this.keysOf.get(slug) ?? []) this.drop(key);
  }

  private isConfigured(server: ServerDefinition): boolean {
    return this.registry.find(server.slug) === server;
  }
}

const listKey = (slug: string, method: ListMethod): string => `${slug} ${method}`;

/** Without a context, the key of a public page. Hashed, because clients choose the length of cursors and capabilities. */
function keyOf({ server, method, cursor, capabilities }: ListPage, context: string | undefined): string {
  const text = JSON.stringify([cursor ?? null, context ?? null, capabilities]);
  return `${server.slug} ${method} ${createHash('sha256').update(text).digest('base64')}`;
}
