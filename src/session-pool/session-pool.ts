import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { EventArchive, NullEventArchive } from './event-archive.js';
import { SessionLimitReached } from './session-pool.errors.js';
import { SessionPoolConfig } from './session-pool.config.js';
import type { SessionRecord } from './session-record.js';
import { Session, type SessionStart } from './session.js';
import { toPage, type ViewPage } from '../workers/index.js';
import { toSessionView, type SessionView } from './session-view.js';

const EVICTION_INTERVAL_MS = 15_000;
/** Sessions given away whose heirs are remembered; of older ones only the shared memory of all workers knows. */
const MAX_NEW_OWNERS = 100_000;

/** The live sessions of this worker. */
@Injectable()
export class SessionPool implements OnApplicationShutdown {
  private readonly sessions = new Map<string, Session>();
  private readonly perPrincipal = new Map<string, number>();
  private readonly newOwners = new Map<string, string>();
  private readonly evictionTimer: NodeJS.Timeout;

  constructor(
    private readonly config: SessionPoolConfig,
    private readonly archive: EventArchive = new NullEventArchive(),
  ) {
    this.evictionTimer = setInterval(() => this.evictIdle(Date.now()), EVICTION_INTERVAL_MS).unref();
  }

  get size(): number {
    return this.sessions.size;
  }

  /** @throws SessionLimitReached at the bounds of the worker or the principal. */
  open(start: SessionStart): Session {
    this.assertCapacity(start.caller.key);
    return this.add(new Session(start, this.config, this.archive));
  }

  find(id: string): Session | undefined {
    return this.sessions.get(id);
  }

  /**
   * Gives a session up for another worker to go on with. Undefined, and nothing changes, for one that is not here or
   * cannot move: it has calls under way, or its one connection is all there is of it (HTTP+SSE). What it has at servers
   * must have been surrendered before, or it is closed there. An heir that does not take it: `adopt` takes it back.
   *
   * @param heir incarnation of the worker that it is for
   */
  handOff(id: string, heir: string): SessionRecord | undefined {
    const record = this.sessions.get(id)?.handOff();
    if (record) this.recordNewOwner(id, heir);
    return record;
  }

  /**
   * Goes on with a session that its owner has given up. One that is here already stays as it is.
   * @throws SessionLimitReached as `open` does
   */
  restore(record: SessionRecord): Session {
    const known = this.sessions.get(record.id);
    if (known) return known;
    this.assertCapacity(record.caller.key);
    this.newOwners.delete(record.id);
    return this.add(Session.restore(record, this.config, this.archive));
  }

  /** Incarnation of the worker that a session was given to. */
  findNewOwner(id: string): string | undefined {
    return this.newOwners.get(id);
  }

  /** Says anew where a session went that was given away; `undefined`: nobody has it, it is over. */
  setNewOwner(id: string, heir: string | undefined): void {
    if (heir === undefined) this.newOwners.delete(id);
    else this.recordNewOwner(id, heir);
  }

  /** A part of those that live here, for those who look after them. */
  list(page: ViewPage): SessionView[] {
    return toPage(this.sessions.values(), page).map(toSessionView);
  }

  /** Ends a session by its number. False when it is not here (any more). */
  endBySerial(serial: number): boolean {
    const session = [...this.sessions.values()].find((known) => known.serial === serial);
    session?.end();
    return session !== undefined;
  }

  /** All that live here. */
  get liveSessions(): Iterable<Session> {
    return this.sessions.values();
  }

  /** Ends what has been idle for too long. */
  evictIdle(now: number): void {
    for (const session of this.sessions.values()) {
      if (session.isIdle && now - session.lastUsedAt > this.config.sessionIdleMs) session.end();
    }
  }

  /**
   * Ends every session: this worker leaves, or has been declared gone. What other workers could tell their clients
   * stays where it is.
   */
  endAll(): void {
    for (const session of this.sessions.values()) session.end('kept');
  }

  onApplicationShutdown(): void {
    clearInterval(this.evictionTimer);
    this.endAll();
  }

  private assertCapacity(principal: string): void {
    if (this.sessions.size >= this.config.maxSessions) throw new SessionLimitReached('worker');
    const mine = this.perPrincipal.get(principal) ?? 0;
    if (mine >= this.config.maxSessionsPerPrincipal) throw new SessionLimitReached('principal');
  }

  private add(session: Session): Session {
    const { key } = session.start.caller;
    this.sessions.set(session.id, session);
    this.perPrincipal.set(key, (this.perPrincipal.get(key) ?? 0) + 1);
    session.onEnd(() => this.remove(session));
    return session;
  }

  private recordNewOwner(id: string, heir: string): void {
    this.newOwners.set(id, heir);
    const oldest = this.newOwners.size > MAX_NEW_OWNERS ? this.newOwners.keys().next() : undefined;
    if (oldest && !oldest.done) this.newOwners.delete(oldest.value);
  }

  private remove(session: Session): void {
    this.sessions.delete(session.id);
    const { key } = session.start.caller;
    const left = (this.perPrincipal.get(key) ?? 1) - 1;
    if (left > 0) this.perPrincipal.set(key, left);
    else this.perPrincipal.delete(key);
  }
}
