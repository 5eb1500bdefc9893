import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database, LatestLook } from '../database/index.js';
import type { AccessToken, NewAccessToken } from './access-token.js';
import { TokenTable, type StoredToken } from './token-table.js';
import { drawToken, isSecretOf, readToken } from './token-text.js';
import { TokensConfig } from './tokens.config.js';

/** A revocation elsewhere is noticed so soon. */
const POLL_MS = 500;
/** What is older than this may miss a revocation, and counts for nothing. */
const STALE_AFTER_MS = 1_500;
/** How often it is written down when tokens were used. */
const WRITING_MS = 60_000;

/** Whether a token is good. `unknown`: that cannot be told now. */
export type TokenVerdict = AccessToken | 'refused' | 'unknown';

/**
 * Personal access tokens. All of them are kept in memory, and compared with the database twice a second: a token that
 * was revoked at any worker is refused at every other within two seconds, or cannot be judged there.
 */
@Injectable()
export class AccessTokens implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('AccessTokens');
  private readonly table: TokenTable;
  private known: ReadonlyMap<string, StoredToken> = new Map();
  private revision: number | undefined;
  /** On the clock of `performance.now()`: what is known is what was true then. */
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
    this.poll = setInterval(() => void this.looks.refresh(), POLL_MS).unref();
    this.writing = setInterval(() => void this.writeUses(), WRITING_MS).unref();
    void this.looks.refresh();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.poll);
    clearInterval(this.writing);
    await this.looks.settled();
    await this.writeUses();
  }

  /** The very same object as long as the token stays as it is. */
  async judge(text: string): Promise<TokenVerdict> {
    if (this.isStale) await this.looks.refresh();
    if (this.isStale) return 'unknown';
    const read = readToken(text);
    const stored = read && this.known.get(read.id);
    if (!stored || !isSecretOf(stored.digest, read.secret)) return 'refused';
    const now = new Date();
    if (stored.token.expiresAt <= now) return 'refused';
    this.uses.set(stored.token.id, now);
    return stored.token;
  }

  /** Calls back, once, when a token is revoked or expires. Returns how to stop. */
  onGone(id: string, listener: () => void): () => void {
    const listeners = this.watched.get(id) ?? new Set();
    this.watched.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.watched.get(id) === listeners) this.watched.delete(id);
    };
  }

  /** The token and its text, which nobody can be shown again. Undefined when its owner has too many. */
  async create(order: NewAccessToken): Promise<{ readonly token: AccessToken; readonly text: string } | undefined> {
    const { id, digest, text } = drawToken();
    const stored = { token: { ...order, id, createdAt: new Date() }, digest };
    const token = await this.table.insert(stored, this.config.mostPerSubject);
    await this.looks.refresh();
    return token && { token, text };
  }

  /** False when there was no such token. */
  async revoke(id: string): Promise<boolean> {
    const wasThere = await this.table.delete(id);
    await this.looks.refresh();
    return wasThere;
  }

  /** Those that have not expired, by id. @throws DatabaseUnavailable */
  async list(): Promise<readonly AccessToken[]> {
    await this.writeUses();
    const now = new Date();
    return (await this.table.all()).map(({ token }) => token).filter(({ expiresAt }) => expiresAt > now);
  }

  private get isStale(): boolean {
    return performance.now() - this.seenAt > STALE_AFTER_MS;
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
      if (!this.isAway) this.logger.error(`Personal access tokens cannot be judged now. ${String(cause)}`);
      this.isAway = true;
    }
  }

  private tellOfThoseGone(): void {
    const now = new Date();
    for (const [id, listeners] of this.watched) {
      const token = this.known.get(id)?.token;
      if (token && token.expiresAt > now) continue;
      this.watched.delete(id);
      for (const tell of listeners) tell();
    }
  }

  private take(stored: readonly StoredToken[]): void {
    const before = this.known;
    const entries = stored.map((each) => {
      const same = before.get(each.token.id);
      // Nothing of a token changes but when it was used.
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
      this.logger.warn(`When tokens were used could not be written down: ${String(cause)}`);
    }
  }
}
