import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SessionLimitReached } from './session-pool.errors.js';
import { SessionPoolConfig } from './session-pool.config.js';
import { Session, type SessionStart } from './session.js';

const SWEEP_INTERVAL_MS = 15_000;

/** The live sessions of this worker. */
@Injectable()
export class SessionPool implements OnApplicationShutdown {
  private readonly sessions = new Map<string, Session>();
  private readonly perPrincipal = new Map<string, number>();
  private readonly sweeper: NodeJS.Timeout;

  constructor(private readonly config: SessionPoolConfig) {
    this.sweeper = setInterval(() => this.sweep(Date.now()), SWEEP_INTERVAL_MS).unref();
  }

  get size(): number {
    return this.sessions.size;
  }

  /** @throws SessionLimitReached at the bounds of the worker or the principal. */
  open(start: SessionStart): Session {
    const mine = this.perPrincipal.get(start.caller.key) ?? 0;
    if (this.sessions.size >= this.config.maxSessions) throw new SessionLimitReached('worker');
    if (mine >= this.config.maxSessionsPerPrincipal) throw new SessionLimitReached('principal');
    const session = new Session(start, this.config);
    this.sessions.set(session.id, session);
    this.perPrincipal.set(start.caller.key, mine + 1);
    session.onEnd(() => this.forget(session));
    return session;
  }

  find(id: string): Session | undefined {
    return this.sessions.get(id);
  }

  /** Ends what has been idle for too long. */
  sweep(now: number): void {
    for (const session of this.sessions.values()) {
      if (session.idle && now - session.lastUsedAt > this.config.sessionIdleMs) session.end();
    }
  }

  onApplicationShutdown(): void {
    clearInterval(this.sweeper);
    for (const session of this.sessions.values()) session.end();
  }

  private forget(session: Session): void {
    this.sessions.delete(session.id);
    const { key } = session.start.caller;
    const left = (this.perPrincipal.get(key) ?? 1) - 1;
    if (left > 0) this.perPrincipal.set(key, left);
    else this.perPrincipal.delete(key);
  }
}
