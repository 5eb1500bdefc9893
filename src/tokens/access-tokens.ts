import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database, LatestLook } from '../database/index.js';
import type { AccessToken, NewAccessToken } from './access-token.js';
import { TokenTable, type StoredToken } from './token-table.js';
import { drawToken, isSecretOf, readToken } from './token-text.js';
import { TokensConfig } from './tokens.config.js';

/** Interval at which revocations by other workers are detected. */
const POLL_INTERVAL_MS = 500;
/** A cache older than this may miss a revocation and must not be used (ADR 19). */
const MAX_AGE_MS = 1_500;
/** Interval at which the last uses of tokens are written to the database. */
const WRITE_INTERVAL_MS = 60_000;

/** The token when it is valid. `unknown`: its revocation state cannot be determined at the moment. */
export type TokenVerdict = AccessToken | 'refused' | 'unknown';

/**
 * Personal access tokens, cached in memory and synchronized with the database twice per second. Within two seconds of a
 * revocation at any worker, every other worker either refuses the token or cannot determine its state.
 */
@Injectable()
export class AccessTokens implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('AccessTokens');
  private readonly table: TokenTable;
  private known: ReadonlyMap<string, StoredToken> = new Map();
  private revision: number | undefined;
  /** Time of `performance.now()` at which the cached tokens were current. */
  private seenAt = -Infinity;
  private readonly looks = new LatestLook(() => this.look());
  private poll: NodeJS.Timeout | undefined;
  private writing: NodeJS.Timeout | undefined;
  private readonly uses = new Map<string, Date>();
  private readonly watched = new Map<string, Set<() => void>>();
  private isAway = false;

  constructor(
    database: Database,
    private readonly config: TokensConfig,
  ) {
    this.table = new TokenTable(database);
  }

  onApplicationBootstrap(): void {
    this.poll = setInterval(() => void this.looks.refresh(), POLL_INTERVAL_MS).unref();
    this.writing = setInterval(() => void this.writeUses(), WRITE_INTERVAL_MS).unref();
    void this.looks.refresh();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.poll);
    clearInterval(this.writing);
    await this.looks.settled();
    await this.writeUses();
  }

  /** Validates the text of a token. Returns the same object for the same token. */
  async judge(text: string): Promise<TokenVerdict> {
    if (this.isStale) await this.looks.refresh();
    if (this.isStale) return 'unknown';
    const parsed = readToken(text);
    const stored = parsed && this.known.get(parsed.id);
    if (!stored || !isSecretOf(stored.digest, parsed.secret)) return 'refused';
    const now = new Date();
    if (stored.token.expiresAt <= now) return 'refused';
    this.uses.set(stored.token.id, now);
    return stored.token;
  }

  /** Calls the listener once when the token is revoked or expires. Returns a function that unsubscribes. */
  onGone(id: string, listener: () => void): () => void {
    const listeners = this.watched.get(id) ?? new Set();
    this.watched.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.watched.get(id) === listeners) this.watched.delete(id);
    };
  }

  /** Creates a token. Its text is not stored. Returns undefined when its subject has the maximum number of tokens. */
  async create(request: NewAccessToken): Promise<{ readonly token: AccessToken; readonly text: string } | undefined> {
    const { id, digest, text } = drawToken();
    const stored = { token: { ...request, id, createdAt: new Date() }, digest };
    const token = await this.table.insert(stored, this.config.mostPerSubject);
    await this.looks.refresh();
    return token && { token, text };
  }

  /** Returns false when there was no such token. */
  async revoke(id: string): Promise<boolean> {
    const isDeleted = await this.table.delete(id);
    await this.looks.refresh();
    return isDeleted;
  }

  /** Lists the tokens that have not expired, by id. @throws DatabaseUnavailable */
  async list(): Promise<readonly AccessToken[]> {
    await this.writeUses();
    const now = new Date();
    return (await this.table.all()).map(({ token }) => token).filter(({ expiresAt }) => expiresAt > now);
  }

  private get isStale(): boolean {
    return performance.now() - this.seenAt > MAX_AGE_MS;
  }

  private async look(): Promise<void> {
    const startedAt = performance.now();
    try {
      const revision = await this.table.revision();
      if (revision !== this.revision) this.take(await this.table.all());
      this.revision = revision;
      this.seenAt = startedAt;
      this.tellOfThoseGone();
      this.isAway = false;
    } catch (cause) {
      if (!this.isAway) this.logger.error(`Personal access tokens cannot be validated. ${String(cause)}`);
      this.isAway = true;
    }
  }

  private tellOfThoseGone(): void {
    const now = new Date();
    for (const [id, listeners] of this.watched) {
      const token = this.known.get(id)?.token;
      if (token && token.expiresAt > now) continue;
      this.watched.delete(id);
      for (const listener of listeners) listener();
    }
  }

  private take(stored: readonly StoredToken[]): void {
    const before = this.known;
    const entries = stored.map((each) => {
      const same = before.get(each.token.id);
      // Only the last use of a token ever changes, so the cached object stays valid and keeps its identity.
      return [each.token.id, same?.digest === each.digest ? same : each] as const;
    });
    this.known = new Map(entries);
  }

  private async writeUses(): Promise<void> {
    const uses = [...this.uses];
    this.uses.clear();
    try {
      for (const [id, at] of uses) await this.table.used(id, at);
    } catch (cause) {
      this.logger.warn(`Failed to store the last uses of personal access tokens: ${String(cause)}`);
    }
  }
}
