import type { Clock } from '#lib/time';
import type { ServerProfile } from '../upstream-connection.js';

/** The cached era of a server. */
export type KnownEra =
  | { readonly era: 'modern'; readonly profile: ServerProfile }
  /** `sse`: the server offers only HTTP+SSE, the older of the two legacy transports. */
  | { readonly era: 'legacy'; readonly sse: boolean };

/** How long the profile of a modern server stays valid. */
const PROFILE_TTL_MS = 5 * 60_000;

/** Maximum number of servers. Beyond it the era that was stored first is forgotten, and found out again. */
const MAX_SERVERS = 10_000;

/** Caches the era of each server (basic/versioning: a property of the server, not of a request). */
export class EraCache {
  private readonly entries = new Map<string, { readonly value: KnownEra; readonly at: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly lookups: { hits: number; misses: number } = { hits: 0, misses: 0 },
  ) {}

  find(slug: string): KnownEra | undefined {
    return this.entries.get(slug)?.value;
  }

  /** Returns the profile of a modern server, unless it is older than PROFILE_TTL_MS. */
  freshProfile(slug: string): ServerProfile | undefined {
    const entry = this.entries.get(slug);
    // A legacy server has no profile to cache.
    if (entry?.value.era === 'legacy') return undefined;
    const isFresh = entry !== undefined && this.clock.monotonicNow() - entry.at <= PROFILE_TTL_MS;
    this.lookups[isFresh ? 'hits' : 'misses'] += 1;
    return isFresh ? entry.value.profile : undefined;
  }

  store(slug: string, value: KnownEra): void {
    this.entries.delete(slug);
    this.entries.set(slug, { value, at: this.clock.monotonicNow() });
    const [oldest] = this.entries.keys();
    if (this.entries.size > MAX_SERVERS && oldest !== undefined) this.entries.delete(oldest);
  }

  evict(slug: string): void {
    this.entries.delete(slug);
  }
}
