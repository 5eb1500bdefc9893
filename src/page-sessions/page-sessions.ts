import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { GatewayError, type Principal } from '#lib/extension-kit';
import { Clock } from '#lib/time';
import { OpenIdProvider, type ProviderTokens } from './open-id/open-id-provider.js';
import { RenewalRefused } from './open-id/open-id.errors.js';
import type { LoginMethod, PageSession, Renewal } from './page-session.js';
import { PageSessionStore, RENEWAL_LEASE_MS } from './page-session-store.js';
import { ForeignPage, NoPageSession, RenewalUnavailable } from './page-sessions.errors.js';
import { SameOrigin, type PageRequest } from './same-origin.js';
import { SessionCookie } from './session-cookie.js';
import { SessionWatch } from './session-watch.js';

/** How long a session lasts at most, in milliseconds: a working day. */
const MAX_SESSION_MS = 12 * 3_600_000;
/** A token is renewed so long before it expires, or in the second half of its life. */
const RENEW_BEFORE_MS = 60_000;
const POLL_INTERVAL_MS = 100;

/** What a login has obtained. */
export interface NewSession {
  readonly principal: Principal;
  readonly token: string;
  /** Milliseconds since the Unix epoch. */
  readonly tokenEndsAt: number;
  readonly loginMethod: LoginMethod;
  readonly refreshToken?: string | undefined;
}

/** The sessions of browsers that have logged in to the admin page. A session holds the bearer token, the browser only its id. */
@Injectable()
export class PageSessions {
  private readonly logger = new Logger('AdminPage');
  /** Renewals under way at this worker, by session. */
  private readonly renewals = new Map<string, Promise<PageSession | undefined>>();

  constructor(
    private readonly store: PageSessionStore,
    private readonly cookie: SessionCookie,
    private readonly origins: SameOrigin,
    private readonly provider: OpenIdProvider,
    private readonly watch: SessionWatch,
    private readonly clock: Clock,
  ) {}

  /**
   * Opens a session in place of the one that the browser had at `request`, if any. Returns it with the value of `Set-Cookie`.
   * Rejects with PageSessionsUnavailable.
   */
  async open(
    { principal, token, tokenEndsAt, loginMethod, refreshToken }: NewSession,
    request: PageRequest,
  ): Promise<{ session: PageSession; setCookie: string }> {
    const now = this.clock.now();
    const renewal = refreshToken === undefined ? undefined : this.toRenewal(refreshToken, tokenEndsAt);
    const endsAt = Math.min(now + MAX_SESSION_MS, renewal ? Infinity : tokenEndsAt);
    const session = { principal, token, loginMethod, tokenEndsAt, endsAt, ...(renewal && { renewal }) };
    const id = randomBytes(32).toString('base64url');
    await this.store.add(id, session);
    await this.endPrevious(request);
    return { session, setCookie: this.cookie.write(id, (endsAt - now) / 1_000) };
  }

  /**
   * Returns the session of a request. Renews its token if necessary.
   * @throws NoPageSession, ForeignPage, PageSessionsUnavailable, RenewalUnavailable
   */
  async require(request: PageRequest): Promise<PageSession> {
    if (!this.cookie.isSent(request.headers)) throw new NoPageSession('Log in to the admin page first.');
    if (!this.origins.accepts(request)) throw new ForeignPage();
    const id = this.cookie.read(request.headers);
    const session = id === undefined ? undefined : await this.findCurrent(id);
    if (!session) throw new NoPageSession();
    return session;
  }

  /**
   * Returns the `Authorization` header that a request of the admin page stands for. Undefined: it has no session cookie.
   * @throws NoPageSession, ForeignPage, PageSessionsUnavailable, RenewalUnavailable
   */
  async authorizationOf(request: PageRequest): Promise<string | undefined> {
    return this.cookie.isSent(request.headers) ? `Bearer ${(await this.require(request)).token}` : undefined;
  }

  /**
   * Calls the listener once when the session of a request has ended, by a logout at any worker or in time. Returns a function that
   * unsubscribes.
   */
  onEnded({ headers }: PageRequest, listener: () => void): () => void {
    return this.watch.onEnded(this.cookie.read(headers) ?? '', listener);
  }

  /** Requires that a page of the gateway itself sent a request. @throws ForeignPage */
  requireOwnPage(request: PageRequest): void {
    if (!this.origins.accepts(request)) throw new ForeignPage();
  }

  /**
   * Ends the session of a request at every worker. Returns the value of `Set-Cookie` that removes the cookie.
   * @throws ForeignPage, PageSessionsUnavailable
   */
  async end(request: PageRequest): Promise<string> {
    this.requireOwnPage(request);
    const id = this.cookie.read(request.headers);
    if (id !== undefined) await this.delete(id);
    return this.cookie.clear();
  }

  /** The headers that remove a cookie of a session that has ended from the browser, for the answer to a refused request. */
  clearingHeaders(headers: IncomingHttpHeaders, refusal: unknown): { readonly 'set-cookie'?: string } {
    const isUseless = refusal instanceof GatewayError && refusal.httpStatus === 401;
    const isCookieUsed = headers.authorization === undefined && this.cookie.isSent(headers);
    return isUseless && isCookieUsed ? { 'set-cookie': this.cookie.clear() } : {};
  }

  /** Nobody could end it any more: the browser forgets its id. */
  private async endPrevious({ headers }: PageRequest): Promise<void> {
    const id = this.cookie.read(headers);
    if (id !== undefined) await this.delete(id);
  }

  private async delete(id: string): Promise<void> {
    const session = await this.store.delete(id);
    if (session?.renewal) this.provider.revoke(session.renewal.refreshToken);
  }

  private async findCurrent(id: string): Promise<PageSession | undefined> {
    const session = await this.store.find(id);
    if (!session?.renewal || this.clock.now() < session.renewal.dueAt) return session;
    const running = this.renewals.get(id);
    if (running) return running;
    const renewing = this.renew(id, session, session.renewal).finally(() => this.renewals.delete(id));
    this.renewals.set(id, renewing);
    return renewing;
  }

  private async renew(id: string, session: PageSession, renewal: Renewal): Promise<PageSession | undefined> {
    if (!(await this.store.acquireRenewal(id))) return this.awaitRenewal(id, session);
    try {
      const latest = await this.store.find(id);
      // Another worker renewed it before this one acquired the renewal.
      if (latest?.token !== session.token) return latest;
      const renewed = this.toRenewed(session, renewal, await this.provider.renew(renewal.refreshToken));
      if (await this.store.replace(id, renewed)) return renewed;
      // The user has logged out meanwhile.
      if (renewed.renewal) this.provider.revoke(renewed.renewal.refreshToken);
      return undefined;
    } catch (cause) {
      return await this.afterFailure(id, session, cause);
    } finally {
      await this.store.releaseRenewal(id);
    }
  }

  private async afterFailure(id: string, session: PageSession, cause: unknown): Promise<PageSession | undefined> {
    if (cause instanceof RenewalRefused) {
      await this.store.delete(id);
      return undefined;
    }
    this.logger.warn(`The token of a session was not renewed: ${cause instanceof Error ? cause.message : 'unknown'}`);
    if (this.clock.now() < session.tokenEndsAt) return session;
    throw new RenewalUnavailable();
  }

  /** Another worker renews the token. Until it has, the present one serves, if it is still valid. */
  private async awaitRenewal(id: string, session: PageSession): Promise<PageSession | undefined> {
    const deadline = this.clock.monotonicNow() + RENEWAL_LEASE_MS;
    while (this.clock.now() >= session.tokenEndsAt) {
      const latest = await this.store.find(id);
      if (latest?.token !== session.token) return latest;
      if (this.clock.monotonicNow() >= deadline) throw new RenewalUnavailable();
      await this.clock.sleep(POLL_INTERVAL_MS);
    }
    return session;
  }

  private toRenewed(session: PageSession, renewal: Renewal, tokens: ProviderTokens): PageSession {
    const { accessToken: token, expiresInMs, refreshToken = renewal.refreshToken } = tokens;
    const tokenEndsAt = expiresInMs === undefined ? session.endsAt : this.clock.now() + expiresInMs;
    return { ...session, token, tokenEndsAt, renewal: this.toRenewal(refreshToken, tokenEndsAt) };
  }

  private toRenewal(refreshToken: string, tokenEndsAt: number): Renewal {
    const lifetimeMs = tokenEndsAt - this.clock.now();
    return { refreshToken, dueAt: tokenEndsAt - Math.min(RENEW_BEFORE_MS, lifetimeMs / 2) };
  }
}
