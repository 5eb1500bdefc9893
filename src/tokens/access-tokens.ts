import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Database, LatestLook } from '../database/index.js';
import type { AccessToken, NewAccessToken } from './access-token.js';
import { TokenTable, type StoredToken } from './token-table.js';
import { generateToken, matchesDigest, parseToken } from './token-text.js';
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
  private tokens: ReadonlyMap<string, StoredToken> = new Map();
  private revision: number | undefined;
  /** On the clock of `performance.now()`: what is known is what was true then. */
  private synchronizedAt = -Infinity;
  private readonly synchronization = new LatestLook(() => this.synchronize());
  private pollTimer: NodeJS.Timeout | undefined;
  private writeTimer: NodeJS.Timeout | undefined;
  private readonly lastUses = new Map<string, Date>();
  private readonly listeners = new Map<string, Set<() => void>>();
  private isDatabaseUnavailable = false;

  constructor(
    database: Database,
    private readonly config: TokensConfig,
  ) {
    this.table = new TokenTable(database);
  }

  onApplicationBootstrap(): void {
    this.pollTimer = setInterval(() => void this.synchronization.refresh(), POLL_MS).unref();
    this.writeTimer = setInterval(() => void this.writeLastUses(), WRITING_MS).unref();
    void this.synchronization.refresh();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.pollTimer);
    clearInterval(this.writeTimer);
    await this.synchronization.whenIdle();
    await this.writeLastUses();
  }

  /** The very same object as long as the token stays as it is. */
  async validate(text: string): Promise<TokenVerdict> {
    if (this.isStale) await this.synchronization.refresh();
    if (this.isStale) return 'unknown';
    const read = parseToken(text);
    const stored = read && this.tokens.get(read.id);
    if (!stored || !matchesDigest(stored.digest, read.secret)) return 'refused';
    const now = new Date();
    if (stored.token.expiresAt <= now) return 'refused';
    this.lastUses.set(stored.token.id, now);
    return stored.token;
  }

  /** Calls back, once, when a token is revoked or expires. Returns how to stop. */
  onInvalidated(id: string, listener: () => void): () => void {
    const listeners = this.listeners.get(id) ?? new Set();
    this.listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.listeners.get(id) === listeners) this.listeners.delete(id);
    };
  }

  /** The token and its text, which nobody can be shown again. Undefined when its owner has too many. */
  async create(order: NewAccessToken): Promise<{ readonly token: AccessToken; readonly text: string } | undefined> {
    const { id, digest, text } = generateToken();
    const stored = { token: { ...order, id, createdAt: new Date() }, digest };
    const token = await this.table.insert(stored, this.config.maxPerSubject);
    await this.synchronization.refresh();
    return token && { token, text };
  }

  /** False when there was no such token. */
  async revoke(id: string): Promise<boolean> {
    const wasThere = await this.table.delete(id);
    await this.synchronization.refresh();
    return wasThere;
  }

  /** Those that have not expired, by id. @throws DatabaseUnavailable */
  async list(): Promise<readonly AccessToken[]> {
    await this.writeLastUses();
    const now = new Date();
    return (await this.table.readAll()).map(({ token }) => token).filter(({ expiresAt }) => expiresAt > now);
  }

  private get isStale(): boolean {
    return performance.now() - this.synchronizedAt > STALE_AFTER_MS;
  }

  private async synchronize(): Promise<void> {
    const startedAt = performance.now();
    try {
      const revision = await this.table.readRevision();
      if (revision !== this.revision) this.replaceTokens(await this.table.readAll());
      this.revision = revision;
      this.synchronizedAt = startedAt;
      this.notifyInvalidated();
      this.isDatabaseUnavailable = false;
    } catch (cause) {
      if (!this.isDatabaseUnavailable)
        this.logger.error(`Personal access tokens cannot be judged now. ${String(cause)}`);
      this.isDatabaseUnavailable = true;
    }
  }

  private notifyInvalidated(): void {
    const now = new Date();
    for (const [id, listeners] of this.listeners) {
      const token = this.tokens.get(id)?.token;
      if (token && token.expiresAt > now) continue;
      this.listeners.delete(id);
      for (const tell of listeners) tell();
    }
  }

  private replaceTokens(stored: readonly StoredToken[]): void {
    const before = this.tokens;
    const entries = stored.map((each) => {
      const same = before.get(each.token.id);
      // Nothing of a token changes but when it was used.
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
      this.logger.warn(`When tokens were used could not be written down: ${String(cause)}`);
    }
  }
}
