import type { ServerProfile } from '../upstream-connection.js';

/** What is known about a server. */
export type KnownEra =
  | { readonly era: 'modern'; readonly profile: ServerProfile }
  /** `sse` when it was found to offer the older of the two legacy transports. */
  | { readonly era: 'legacy'; readonly sse: boolean };

/** How long a modern server's description of itself is taken for true. */
const PROFILE_TTL_MS = 5 * 60_000;

/** Remembers the era of each server (basic/versioning: a property of the server, not of a request). */
export class EraCache {
  private readonly entries = new Map<string, { readonly value: KnownEra; readonly at: number }>();

  find(slug: string): KnownEra | undefined {
    return this.entries.get(slug)?.value;
  }

  /** The profile of a modern server, unless it has been remembered for too long. */
  freshProfile(slug: string): ServerProfile | undefined {
    const entry = this.entries.get(slug);
    if (entry?.value.era !== 'modern' || performance.now() - entry.at > PROFILE_TTL_MS) return undefined;
    return entry.value.profile;
  }

  store(slug: string, value: KnownEra): void {
    this.entries.set(slug, { value, at: performance.now() });
  }

  evict(slug: string): void {
    this.entries.delete(slug);
  }
}
