import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '#lib/time';
import { Database, CoalescedRefresh } from '../database/index.js';
import type { AccessToken, NewAccessToken } from './access-token.js';
import { SharedLookUp } from './shared-look-up.js';
import { boundLifetime } from './token-lifetimes.js';
import { TokenTable, type StoredToken } from './token-table.js';
import { generateToken, matchesDigest, parseToken, type TokenText } from './token-text.js';
import { TokensConfig } from './tokens.config.js';

/** Interval at which revocations by other workers are detected. */
const POLL_INTERVAL_MS = 500;
/** A cache older than this may miss a revocation and must not be used (ADR 19). */
const MAX_AGE_MS = 1_500;
/** Minimum interval between look-ups of unknown ids, so that callers with invented ids cannot load the database. */
const LOOK_UP_INTERVAL_MS = 50;
/** Interval at which the last uses of tokens are written to the database. */
const WRITE_INTERVAL_MS = 60_000;

/** The token when it is valid. `unknown`: its revocation state cannot be determined at the moment. */
export type TokenVerdict = AccessToken | 'refused' | 'unknown';

/**
 * Personal access tokens, cached in memory and synchronized with the database twice per second. Within two seconds of a
 * revocation at any worker, every other worker either refuses the token or cannot determine its state. A token is valid at
 * every worker as soon as it is created: an unknown id is looked up before it is refused.
 */
@Injectable()
export class AccessTokens implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('AccessTokens');
  private readonly table: TokenTable;
  private tokens: ReadonlyMap<string, StoredToken> = new Map();
  private revision: number | undefined;
  /** Monotonic time at which the cached tokens were current. */
  private synchronizedAt = -Infinity;
  private readonly synchronization = new CoalescedRefresh(() => this.synchronize());
  private readonly lookUp: SharedLookUp;
  private stopPolling: (() => void) | undefined;
  private stopWriting: (() => void) | undefined;
  private readonly lastUses = new Map<string, Date>();
  private readonly listeners = new Map<string, Set<() => void>>();
  private isDatabaseUnavailable = false;

  constructor(
    database: Database,
    private readonly config: TokensConfig,
    private readonly clock: Clock,
  ) {
    this.table = new TokenTable(database);
    this.lookUp = new SharedLookUp(() => this.synchronization.refresh(), LOOK_UP_INTERVAL_MS, clock);
  }

  onApplicationBootstrap(): void {
    this.stopPolling = this.clock.every(POLL_INTERVAL_MS, () => void this.synchronization.refresh());
    this.stopWriting = this.clock.every(WRITE_INTERVAL_MS, () => void this.writeLastUses());
    void this.synchronization.refresh();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopPolling?.();
    this.stopWriting?.();
    await this.synchronization.whenIdle();
    await this.writeLastUses();
  }

  /** Validates the text of a token. Returns the same object for the same token. */
  async validate(text: string): Promise<TokenVerdict> {
    if (this.isStale) await this.synchronization.refresh();
    if (this.isStale) return 'unknown';
    const parsed = parseToken(text);
    if (!parsed) return 'refused';
    if (!this.tokens.has(parsed.id) && !(await this.synchronizeForUnknownId())) return 'unknown';
    return this.findValid(parsed) ?? 'refused';
  }

  /** Returns the token when this worker can validate it without a query. */
  validateCached(text: string): AccessToken | undefined {
    const parsed = this.isStale ? undefined : parseToken(text);
    return parsed && this.findValid(parsed);
  }

  /** Calls the listener once when the token is revoked or expires. Returns a function that unsubscribes. */
  onInvalidated(id: string, listener: () => void): () => void {
    const listeners = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(id) === listeners) this.listeners.delete(id);
    };
  }

  /** Creates a token. Its text is not stored. Returns undefined when its subject has the maximum number of tokens. */
  async create(request: NewAccessToken): Promise<{ readonly token: AccessToken; readonly text: string } | undefined> {
    const { id, digest, text } = generateToken();
    const token = boundLifetime({ ...request, id, createdAt: new Date(this.clock.now()) }, this.config);
    const expired = (await this.readAll()).filter(({ token: { expiresAt } }) => expiresAt <= token.createdAt);
    const isCreated = await this.table.insert(
      { token, digest },
      { max: this.config.maxPerSubject, expired: expired.map((each) => each.token.id) },
    );
    await this.synchronization.refresh();
    return isCreated ? { token, text } : undefined;
  }

  /** Returns false when there was no such token. */
  async revoke(id: string): Promise<boolean> {
    const isDeleted = await this.table.delete(id);
    await this.synchronization.refresh();
    return isDeleted;
  }

  /** Revokes all tokens of a subject. Returns their ids. */
  async revokeAll(subject: { readonly issuer: string; readonly subject: string }): Promise<readonly string[]> {
    const ids = await this.table.deleteAll(subject);
    await this.synchronization.refresh();
    return ids;
  }

  /** Lists the tokens that have not expired, by id. @throws DatabaseUnavailable */
  async list(): Promise<readonly AccessToken[]> {
    await this.writeLastUses();
    const now = new Date(this.clock.now());
    return (await this.readAll()).map(({ token }) => token).filter(({ expiresAt }) => expiresAt > now);
  }

  /** Returns false when the database cannot be read, so that it is unknown whether the id exists. */
  private async synchronizeForUnknownId(): Promise<boolean> {
    const startedAt = this.clock.monotonicNow();
    await this.lookUp.run();
    return this.synchronizedAt >= startedAt;
  }

  private findValid({ id, secret }: TokenText): AccessToken | undefined {
    const stored = this.tokens.get(id);
    if (!stored || !matchesDigest(stored.digest, secret)) return undefined;
    const now = new Date(this.clock.now());
    if (stored.token.expiresAt <= now) return undefined;
    this.lastUses.set(id, now);
    return stored.token;
  }

  private async readAll(): Promise<readonly StoredToken[]> {
    return (await this.table.readAll()).map(({ token, digest }) => ({
      digest,
      token: boundLifetime(token, this.config),
    }));
  }

  private get isStale(): boolean {
    return this.clock.monotonicNow() - this.synchronizedAt > MAX_AGE_MS;
  }

  private async synchronize(): Promise<void> {
    const startedAt = this.clock.monotonicNow();
    try {
      const revision = await this.table.readRevision();
      if (revision !== this.revision) this.replaceTokens(await this.readAll());
      this.revision = revision;
      this.synchronizedAt = startedAt;
      this.notifyInvalidated();
      this.isDatabaseUnavailable = false;
    } catch (cause) {
      if (!this.isDatabaseUnavailable)
        this.logger.error(`Personal access tokens cannot be validated. ${String(cause)}`);
      this.isDatabaseUnavailable = true;
    }
  }

  private notifyInvalidated(): void {
    const now = new Date(this.clock.now());
    for (const [id, listeners] of this.listeners) {
      const token = this.tokens.get(id)?.token;
      if (token && token.expiresAt > now) continue;
      this.listeners.delete(id);
      for (const listener of listeners) this.notify(listener);
    }
  }

  /** A failure here must neither keep the other listeners from being notified nor pass for one of the database. */
  private notify(listener: () => void): void {
    try {
      listener();
    } catch (fault) {
      this.logger.error('A listener failed when a personal access token became invalid.', fault);
    }
  }

  private replaceTokens(stored: readonly StoredToken[]): void {
    const before = this.tokens;
    const entries = stored.map((each) => {
      const same = before.get(each.token.id);
      // Only the last use of a token ever changes, so the cached object stays valid and keeps its identity.
      return [each.token.id, same?.digest === each.digest ? same : each] as const;
    });
    this.tokens = new Map(entries);
  }

  private async writeLastUses(): Promise<void> {
    const uses = [...this.lastUses];
    this.lastUses.clear();
    try {
      for (const [id, at] of uses) await this.table.recordUse(id, at);
    } catch (cause) {
      this.logger.warn(`Failed to store the last uses of personal access tokens: ${String(cause)}`);
    }
  }
}
