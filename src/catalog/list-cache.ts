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

export interface RememberedPage {
  readonly result: JsonObject;
  /** May be shown in every authorization context. */
  readonly isPublic: boolean;
  /** When it was asked for, as `begin` told. */
  readonly mark: number;
  /** On the clock of `performance.now()`. */
  readonly freshUntil: number;
}

interface Entry extends RememberedPage {
  readonly server: ServerDefinition;
  readonly method: ListMethod;
  readonly size: number;
}

const MOST_ENTRIES = 10_000;
/** What an entry costs beside its JSON. */
const OVERHEAD = 1_024;
/** One list may not push all others out. */
const LARGEST_SHARE = 4;

/**
 * Pages of servers' lists, for as long as their servers said that they are fresh (specification 2026:
 * server/utilities/caching). What was asked for before its list changed, or before its server was configured anew, is not
 * kept, whenever it arrives.
 */
@Injectable()
export class ListCache implements OnApplicationShutdown {
  /** The one that was used longest ago comes first. */
  private readonly entries = new Map<string, Entry>();
  private readonly keysOf = new Map<string, Set<string>>();
  /** By server and method: what was asked for up to then is stale. */
  private readonly staleUpTo = new Map<string, number>();
  private readonly stopWatching: () => void;
  private bytes = 0;
  private moments = 0;

  constructor(
    private readonly config: CatalogConfig,
    private readonly registry: ServerRegistry,
  ) {
    this.stopWatching = registry.onChange((now, before) => {
      const kept = new Set(now.servers);
      for (const server of before.servers) if (!kept.has(server)) this.forgetServer(server.slug);
    });
  }

  /** False when nothing is ever kept. */
  get isOn(): boolean {
    return this.config.listCacheBytes > 0;
  }

  /** Marks a moment; later ones are greater. Whoever asks a server takes one first. */
  begin(): number {
    return (this.moments += 1);
  }

  /** True when the list has changed since the mark was taken. */
  isStale({ server, method }: Pick<ListPage, 'server' | 'method'>, mark: number): boolean {
    return mark <= (this.staleUpTo.get(listKey(server.slug, method)) ?? 0) || !this.isConfigured(server);
  }

  /** What is fresh, and may be shown in this context. */
  find(page: ListPage): RememberedPage | undefined {
    return this.findAt(keyOf(page, page.context), page) ?? this.findAt(keyOf(page, undefined), page);
  }

  /** Keeps a page, unless its list has changed since it was asked for. */
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

  /** The list has changed: what is known of it, and what was asked for until now, is stale. */
  forget(slug: string, method: ListMethod): void {
    this.staleUpTo.set(listKey(slug, method), this.begin());
    for (const key of this.keysOf.get(slug) ?? []) if (this.entries.get(key)?.method === method) this.drop(key);
  }

  /** The server does not know a cursor that it gave itself: nobody is sent there again. */
  cursorFailed({ server: { slug }, method, cursor }: ListPage): void {
    const leadsThere = (key: string) => {
      const entry = this.entries.get(key);
      return entry?.method === method && entry.result['nextCursor'] === cursor;
    };
    if ([...(this.keysOf.get(slug) ?? [])].some(leadsThere)) this.forget(slug, method);
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

/** Without a context: for all of them. Clients decide how long a cursor is, and what they declare. */
function keyOf({ server, method, cursor, capabilities }: ListPage, context: string | undefined): string {
  const text = JSON.stringify([cursor ?? null, context ?? null, capabilities]);
  return `${server.slug} ${method} ${createHash('sha256').update(text).digest('base64')}`;
}
