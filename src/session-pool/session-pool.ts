import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { ClientProfile } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { EventArchive, NullEventArchive } from './event-archive.js';
import { DeclarationBudget } from './declaration-budget.js';
import { PrincipalTotals } from './principal-totals.js';
import { SessionLimitReached } from './session-pool.errors.js';
import { SessionPoolConfig } from './session-pool.config.js';
import type { SessionRecord } from './session-record.js';
import type { SessionStart } from './session-start.js';
import { Session } from './session.js';
import { toPage, type ViewPage } from '../workers/index.js';
import { toSessionView, type SessionView } from './session-view.js';

const EVICTION_INTERVAL_MS = 15_000;
/**
 * Handed-off sessions whose new owner this worker remembers. The new owners of older ones are in the handoff directory
 * only.
 */
const MAX_NEW_OWNERS = 100_000;

/** The live sessions of this worker. */
@Injectable()
export class SessionPool implements OnApplicationShutdown {
  private readonly sessions = new Map<string, Session>();
  private readonly perPrincipal = new Map<string, number>();
  private readonly declarations: DeclarationBudget;
  private readonly held = new PrincipalTotals();
  private readonly newOwners = new Map<string, string>();
  private readonly cancelEviction: () => void;
  private readonly openListeners: ((session: Session) => void)[] = [];
  private readonly endListeners: ((session: Session) => void)[] = [];

  constructor(
    private readonly config: SessionPoolConfig,
    private readonly clock: Clock,
    private readonly archive: EventArchive = new NullEventArchive(),
  ) {
    this.declarations = new DeclarationBudget(config.maxDeclaredBytesPerPrincipal);
    this.cancelEviction = clock.every(EVICTION_INTERVAL_MS, () => this.evictIdle(clock.now()));
  }

  get size(): number {
    return this.sessions.size;
  }

  /** @throws SessionLimitReached, DeclarationLimitReached at the bounds of the worker or the principal. */
  open(start: SessionStart): Session {
    this.assertCapacity(start.caller.key);
    this.declarations.assertCapacity(start.caller.key, start.client);
    const session = this.add(new Session(start, this.config, this.clock, this.archive, this.held));
    for (const listener of this.openListeners) listener(session);
    return session;
  }

  /**
   * Sets the profile of a session's client, which arrives after the session was opened (HTTP+SSE).
   * @throws DeclarationLimitReached
   */
  setClient(session: Session, client: ClientProfile): void {
    const { key } = session.start.caller;
    this.declarations.assertCapacity(key, client);
    if (!session.isEnded) this.declarations.replace(key, session.client, client);
    session.client = client;
  }

  find(id: string): Session | undefined {
    return this.sessions.get(id);
  }

  /**
   * Ends a session on this worker and returns its record for the new owner. Returns undefined, and changes nothing, if
   * the session is not on this worker or cannot move: calls are in flight, or it is bound to one HTTP+SSE stream.
   * Release its upstream sessions before (`UpstreamPool.releaseForHandoff`), or they are closed. If the new owner does
   * not accept the session, `restore` continues it here.
   *
   * @param newOwner incarnation of the worker that receives the session
   */
  handOff(id: string, newOwner: string): SessionRecord | undefined {
    const session = this.sessions.get(id);
    if (!session?.canMove) return undefined;
    // Before the session leaves, so that its departure is not taken for its end.
    this.recordNewOwner(id, newOwner);
    return session.handOff();
  }

  /**
   * Restores a session that its previous owner handed off. Returns the existing session, unchanged, if it is already
   * here.
   *
   * @throws SessionLimitReached, DeclarationLimitReached as `open` does
   */
  restore(record: SessionRecord): Session {
    const known = this.sessions.get(record.id);
    if (known) return known;
    this.assertCapacity(record.caller.key);
    this.declarations.assertCapacity(record.caller.key, record.client);
    this.newOwners.delete(record.id);
    return this.add(Session.restore(record, this.config, this.clock, this.archive, this.held));
  }

  /** Returns the incarnation of the worker that received a session. */
  findNewOwner(id: string): string | undefined {
    return this.newOwners.get(id);
  }

  /** Updates the new owner of a handed-off session. Undefined: the session has ended and has no owner. */
  setNewOwner(id: string, newOwner: string | undefined): void {
    if (newOwner === undefined) this.newOwners.delete(id);
    else this.recordNewOwner(id, newOwner);
  }

  /** Returns one page of the live sessions, for administrators. */
  list(page: ViewPage): SessionView[] {
    return toPage(this.sessions.values(), page).map(toSessionView);
  }

  /** Ends a session by its serial number. Returns false if it is not, or no longer, on this worker. */
  endBySerial(serial: number): boolean {
    const session = [...this.sessions.values()].find((known) => known.serial === serial);
    session?.end();
    return session !== undefined;
  }

  /** All live sessions of this worker. */
  get liveSessions(): Iterable<Session> {
    return this.sessions.values();
  }

  /** Calls the listener with each session that a client opens at this worker. A session that moves here is not opened. */
  onOpen(listener: (session: Session) => void): void {
    this.openListeners.push(listener);
  }

  /** Calls the listener with each session that ends at this worker. A session that moves to another worker does not end. */
  onEnd(listener: (session: Session) => void): void {
    this.endListeners.push(listener);
  }

  /** Ends the sessions that have been idle for longer than `ISTHMUS_SESSION_IDLE`. */
  evictIdle(now: number): void {
    for (const session of this.sessions.values()) {
      if (session.isIdle && now - session.lastUsedAt > this.config.sessionIdleMs) session.end();
    }
  }

  /**
   * Ends every session, because this worker shuts down or was declared dead. The archived events stay, so that other
   * workers can replay them.
   */
  endAll(): void {
    for (const session of this.sessions.values()) session.end('retained');
  }

  onApplicationShutdown(): void {
    this.cancelEviction();
    this.endAll();
  }

  private assertCapacity(principal: string): void {
    if (this.sessions.size >= this.config.maxSessions) throw new SessionLimitReached('worker');
    const count = this.perPrincipal.get(principal) ?? 0;
    if (count >= this.config.maxSessionsPerPrincipal) throw new SessionLimitReached('principal');
  }

  private add(session: Session): Session {
    const { key } = session.start.caller;
    this.sessions.set(session.id, session);
    this.perPrincipal.set(key, (this.perPrincipal.get(key) ?? 0) + 1);
    this.declarations.replace(key, undefined, session.client);
    session.onEnd(() => this.remove(session));
    return session;
  }

  private recordNewOwner(id: string, newOwner: string): void {
    this.newOwners.set(id, newOwner);
    const oldest = this.newOwners.size > MAX_NEW_OWNERS ? this.newOwners.keys().next() : undefined;
    if (oldest && !oldest.done) this.newOwners.delete(oldest.value);
  }

  private remove(session: Session): void {
    this.sessions.delete(session.id);
    const { key } = session.start.caller;
    this.declarations.replace(key, session.client, undefined);
    const left = (this.perPrincipal.get(key) ?? 1) - 1;
    if (left > 0) this.perPrincipal.set(key, left);
    else this.perPrincipal.delete(key);
    if (this.newOwners.has(session.id)) return;
    for (const listener of this.endListeners) listener(session);
  }
}
