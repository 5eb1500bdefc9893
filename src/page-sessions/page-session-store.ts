import type { Principal } from '#lib/extension-kit';
import { Clock } from '#lib/time';
import type { PageSession } from './page-session.js';

/** Maximum number of sessions in memory. Beyond it, the one that was stored first ends. */
const MAX_SESSIONS = 10_000;
/** Maximum number of sessions of one principal. Beyond it, the one that was opened first ends. */
export const MAX_SESSIONS_OF_PRINCIPAL = 20;
/** A worker that dies during a renewal must not block the session for longer. Longer than two requests to the provider take. */
export const RENEWAL_LEASE_MS = 25_000;

/** Holds the sessions of the admin page for all workers, by the secret id in the cookie. A deleted session is found by none. */
export abstract class PageSessionStore {
  /** Returns undefined for a session that does not exist or has ended. Rejects with PageSessionsUnavailable. */
  abstract find(id: string): Promise<PageSession | undefined>;
  /**
   * Stores a new session until it ends, and ends the oldest ones of its principal beyond `MAX_SESSIONS_OF_PRINCIPAL`. Rejects with
   * PageSessionsUnavailable.
   */
  abstract add(id: string, session: PageSession): Promise<void>;
  /** Returns false, and stores nothing, if the session was deleted meanwhile. Rejects with PageSessionsUnavailable. */
  abstract replace(id: string, session: PageSession): Promise<boolean>;
  /** Returns the session that was deleted. Rejects with PageSessionsUnavailable. */
  abstract delete(id: string): Promise<PageSession | undefined>;
  /**
   * Returns true for one worker at a time, until it releases the renewal or `RENEWAL_LEASE_MS` have passed: providers that
   * replace refresh tokens refuse the second use of one. Rejects with PageSessionsUnavailable.
   */
  abstract acquireRenewal(id: string): Promise<boolean>;
  /** Never rejects. */
  abstract releaseRenewal(id: string): Promise<void>;
}

/** For a single worker. */
export class MemoryPageSessionStore extends PageSessionStore {
  private readonly sessions = new Map<string, PageSession>();
  /** Ends of the leases by session. */
  private readonly renewals = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly maxSessions = MAX_SESSIONS,
  ) {
    super();
  }

  override async find(id: string): Promise<PageSession | undefined> {
    const session = this.sessions.get(id);
    if (session === undefined || this.clock.now() < session.endsAt) return session;
    this.forget(id);
    return undefined;
  }

  override async add(id: string, session: PageSession): Promise<void> {
    this.forgetEnded();
    this.forgetOldest([...this.sessions.keys()], this.maxSessions - 1);
    this.forgetOldest(this.idsOf(session.principal), MAX_SESSIONS_OF_PRINCIPAL - 1);
    this.sessions.set(id, session);
  }

  override async replace(id: string, session: PageSession): Promise<boolean> {
    if (!this.sessions.has(id)) return false;
    this.sessions.set(id, session);
    return true;
  }

  override async delete(id: string): Promise<PageSession | undefined> {
    const session = await this.find(id);
    this.forget(id);
    return session;
  }

  override async acquireRenewal(id: string): Promise<boolean> {
    const now = this.clock.monotonicNow();
    if ((this.renewals.get(id) ?? now) > now) return false;
    this.renewals.set(id, now + RENEWAL_LEASE_MS);
    return true;
  }

  override async releaseRenewal(id: string): Promise<void> {
    this.renewals.delete(id);
  }

  private forgetEnded(): void {
    const now = this.clock.now();
    for (const [id, { endsAt }] of this.sessions) if (endsAt <= now) this.forget(id);
  }

  /** Oldest first. */
  private idsOf({ issuer, subject }: Principal): readonly string[] {
    const isOwn = ({ principal }: PageSession) => principal.issuer === issuer && principal.subject === subject;
    return Array.from(this.sessions).flatMap(([id, session]) => (isOwn(session) ? [id] : []));
  }

  private forgetOldest(ids: readonly string[], kept: number): void {
    for (const id of ids.slice(0, Math.max(0, ids.length - kept))) this.forget(id);
  }

  private forget(id: string): void {
    this.sessions.delete(id);
    this.renewals.delete(id);
  }
}
