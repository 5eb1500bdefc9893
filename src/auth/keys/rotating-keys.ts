import type { KeyObject } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Clock } from '#lib/extension-kit';
import { KeysUnavailable, TokenRefused } from '../auth.errors.js';
import type { FetchKeySet } from './fetch-key-set.js';
import { canVerify, readPublicKey, type PublicKey } from './public-key.js';

/** Interval after which the set is fetched again; a key removed from the set is trusted for at most this long. */
const REFRESH_INTERVAL_MS = 600_000;
/** While the set cannot be fetched, the last one is used for at most this long. */
const MAX_AGE_MS = 3_600_000;

interface CachedKeySet {
  readonly keys: readonly PublicKey[];
  readonly fetchedAt: number;
}

/** Caches the public keys of an authorization server and follows their rotation. */
export class RotatingKeys {
  private readonly logger = new Logger('KeySet');
  private cached: CachedKeySet = { keys: [], fetchedAt: -Infinity };
  private triedAt = -Infinity;
  private isFailing = false;
  private fetching: Promise<void> | undefined;

  constructor(
    private readonly fetchKeys: FetchKeySet,
    /** Minimum interval between fetches for unknown keys, so that forged key ids cannot flood the authorization server. */
    private readonly refetchIntervalMs: number,
    private readonly clock: Clock,
  ) {}

  /** Rejects with TokenRefused when the set lacks the key, and with KeysUnavailable when the set cannot be fetched. */
  async find(kid: string | undefined, alg: string): Promise<KeyObject> {
    if (this.age() >= REFRESH_INTERVAL_MS) await this.refresh();
    const cached = this.choose(kid, alg);
    if (cached !== undefined) return cached;
    await this.refresh();
    const rotated = this.choose(kid, alg);
    if (rotated !== undefined) return rotated;
    if (this.isFailing) throw new KeysUnavailable(this.refetchIntervalMs);
    throw new TokenRefused('The token is signed with a key that its issuer does not publish.');
  }

  private choose(kid: string | undefined, alg: string): KeyObject | undefined {
    if (this.age() >= MAX_AGE_MS) throw new KeysUnavailable(this.refetchIntervalMs);
    const candidates = this.cached.keys.filter((key) => canVerify(key, alg));
    // A token without a key id is only unambiguous when a single key of the set can verify it.
    if (kid === undefined) return candidates.length === 1 ? candidates[0]?.key : undefined;
    return candidates.find((key) => key.kid === kid)?.key;
  }

  private age(): number {
    return this.clock.now() - this.cached.fetchedAt;
  }

  /** Concurrent calls share one fetch. A failed fetch is not an error while the last set is young enough. */
  private async refresh(): Promise<void> {
    const now = this.clock.now();
    if (this.fetching === undefined && now - this.triedAt < this.refetchIntervalMs) return;
    this.triedAt = now;
    this.fetching ??= this.fetchOnce(now).finally(() => (this.fetching = undefined));
    await this.fetching;
  }

  private async fetchOnce(now: number): Promise<void> {
    try {
      const keySet = await this.fetchKeys();
      this.cached = { keys: keySet.flatMap(readPublicKey), fetchedAt: now };
      this.isFailing = false;
    } catch (fault) {
      this.isFailing = true;
      this.logger.warn(`Failed to fetch the key set: ${fault instanceof Error ? fault.message : String(fault)}`);
    }
  }
}
