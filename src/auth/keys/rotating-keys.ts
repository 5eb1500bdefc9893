import type { KeyObject } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { Clock } from '#lib/extension-kit';
import { KeysUnavailable, TokenRefused } from '../auth.errors.js';
import type { FetchKeySet } from './fetch-key-set.js';
import { canVerify, readPublicKey, type PublicKey } from './public-key.js';

/** A key that left the set is not trusted longer than this. */
const FRESH_MS = 600_000;
/** While the set cannot be fetched, the last one is good for this long. */
const STALE_MS = 3_600_000;

interface CachedKeySet {
  readonly keys: readonly PublicKey[];
  readonly fetchedAt: number;
}

/** The public keys of an authorization server, as it replaces them over time. */
export class RotatingKeys {
  private readonly logger = new Logger('KeySet');
  private cached: CachedKeySet = { keys: [], fetchedAt: -Infinity };
  private triedAt = -Infinity;
  private isFailing = false;
  private fetching: Promise<void> | undefined;

  constructor(
    private readonly fetchKeys: FetchKeySet,
    /** An unknown key makes the set be fetched again, at most this often: nobody can make us flood the server. */
    private readonly refetchIntervalMs: number,
    private readonly clock: Clock,
  ) {}

  /** Rejects with TokenRefused when there is no such key, with KeysUnavailable when that cannot be told. */
  async find(kid: string | undefined, alg: string): Promise<KeyObject> {
    if (this.age() >= FRESH_MS) await this.refresh();
    const known = this.choose(kid, alg);
    if (known !== undefined) return known;
    await this.refresh();
    const rotated = this.choose(kid, alg);
    if (rotated !== undefined) return rotated;
    if (this.isFailing) throw new KeysUnavailable(this.refetchIntervalMs);
    throw new TokenRefused('The token is signed with a key that its issuer does not publish.');
  }

  private choose(kid: string | undefined, alg: string): KeyObject | undefined {
    if (this.age() >= STALE_MS) throw new KeysUnavailable(this.refetchIntervalMs);
    const fitting = this.cached.keys.filter((key) => canVerify(key, alg));
    // Without a key id only a set that leaves no choice can say which key is meant.
    if (kid === undefined) return fitting.length === 1 ? fitting[0]?.key : undefined;
    return fitting.find((key) => key.kid === kid)?.key;
  }

  private age(): number {
    return this.clock.now() - this.cached.fetchedAt;
  }

  /** Fetches once for all who ask at the same time. Failing is no fault as long as the last set may be used. */
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
      this.logger.warn(`The key set could not be fetched: ${fault instanceof Error ? fault.message : String(fault)}`);
    }
  }
}
