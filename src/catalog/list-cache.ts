import { createHash } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { JsonObject, ListMethod } from '#lib/mcp-protocol';
import { ServerRegistry, type ServerDefinition } from '../registry/index.js';
import { CatalogConfig } from './catalog.config.js';

/** One page of a list, as one kind of client sees it on behalf of one caller. */
export interface ListPage {
  readonly server: ServerDefinition;
  readonly method: ListMethod;
  readonly cursor?: string;
  /** What the client declares: a server may show it more or less for that. */
  readonly capabilities: JsonObject;
  /** Authorization context: what is private to it is shown in no other. */
  readonly context: string;
}

export interface CachedPage {
  readonly result: JsonObject;
  /** May be shown in every authorization context. */
  readonly isPublic: boolean;
  /** When it was asked for, as `begin` told. */
  readonly sequence: number;
  /** On the clock of `performance.now()`. */
  readonly expiresAt: number;
}

interface Entry extends CachedPage {
  readonly server: ServerDefinition;
  readonly method: ListMethod;
  readonly size: number;
}

const MAX_ENTRIES = 10_000;
/** What an entry costs beside its JSON. */
const ENTRY_OVERHEAD_BYTES = 1_024;
/** One list may not push all others out. */
const MIN_ENTRIES_AT_CAPACITY = 4;

/**
 * Pages of servers' lists, for as long as their servers said that they are fresh (specification 2026:
 * server/utilities/caching). What was asked for before its list changed, or before its server was configured anew, is not
 * kept, whenever it arrives.
 */
@Injectable()
export class ListCache implements OnApplicationShutdown {
  /** The one that was used longest ago comes first. */
  private readonly entries = new Map<string, Entry>();
  private readonly keysByServer = new Map<string, Set<string>>();
  /** By server and method: what was asked for up to then is stale. */
  private readonly invalidatedAt = new Map<string, number>();
  private readonly stopWatching: () => void;
  private bytes = 0;
  private lastSequence = 0;

  constructor(
    private readonly config: CatalogConfig,
    private readonly registry: ServerRegistry,
  ) {
    this.stopWatching = registry.onChange((now, before) => {
      const kept = new Set(now.servers);
      for (const server of before.servers) if (!kept.has(server)) this.removeServer(server.slug);
    });
  }

  /** False when nothing is ever kept. */
  get isEnabled(): boolean {
    return this.config.listCacheBytes > 0;
  }

  /** Marks a moment; later ones are greater. Whoever asks a server takes one first. */
  nextSequence(): number {
    return (this.lastSequence += 1);
  }

  /** True when the list has changed since the mark was taken. */
  isStale({ server, method }: Pick<ListPage, 'server' | 'method'>, mark: number): boolean {
    return mark <= (this.invalidatedAt.get(toListKey(server.slug, method)) ?? 0) || !this.isCurrent(server);
  }

  /** What is fresh, and may be shown in this context. */
  find(page: ListPage): CachedPage | undefined {
    return this.readEntry(toPageKey(page, page.context), page) ?? this.readEntry(toPageKey(page, undefined), page);
  }

  /** Keeps a page, unless its list has changed since it was asked for. */
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

  /** The list has changed: what is known of it, and what was asked for until now, is stale. */
  invalidate(slug: string, method: ListMethod): void {
    this.invalidatedAt.set(toListKey(slug, method), this.nextSequence());
    for (const key of this.keysByServer.get(slug) ?? []) if (this.entries.get(key)?.method === method) this.remove(key);
  }

  /** The server does not know a cursor that it gave itself: nobody is sent there again. */
  invalidateCursor({ server: { slug }, method, cursor }: ListPage): void {
    const leadsThere = (key: string) => {
      const entry = this.entries.get(key);
      return entry?.method === method && entry.result['nextCursor'] === cursor;
    };
    if ([...(this.keysByServer.get(slug) ?? [])].some(leadsThere)) this.invalidate(slug, method);
  }

  onApplicationShutdown(): void {
    this.stopWatching();
  }

  private readEntry(key: string, { server }: ListPage): CachedPage | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    if (entry.server !== server || performance.now() >= entry.expiresAt) {
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

  private removeServer(slug: string): void {
    for (const key of this.keysByServer.get(slug) ?? []) this.remove(key);
  }

  private isCurrent(server: ServerDefinition): boolean {
    return this.registry.find(server.slug) === server;
  }
}

const toListKey = (slug: string, method: ListMethod): string => `${slug} ${method}`;

/** Without a context: for all of them. Clients decide how long a cursor is, and what they declare. */
function toPageKey({ server, method, cursor, capabilities }: ListPage, context: string | undefined): string {
  const text = JSON.stringify([cursor ?? null, context ?? null, capabilities]);
  return `${server.slug} ${method} ${createHash('sha256').update(text).digest('base64')}`;
}
