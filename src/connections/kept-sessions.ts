import type { Session } from '../session-pool/index.js';
import { COMMON_ACCOUNT, type UpstreamSessionState } from '../upstream/index.js';

/** An upstream session that came by a handoff and that no connection continues yet. */
export interface KeptSession {
  readonly state: UpstreamSessionState;
  /** Monotonic time at which it came. */
  readonly since: number;
}

/** The upstream sessions of this worker's sessions that no connection continues yet. */
export class KeptSessions {
  private readonly bySession = new Map<Session, KeptSession[]>();
  /** Sessions whose end is awaited. */
  private readonly awaited = new WeakSet<Session>();

  /** @param onEnd receives what is still kept when the session ends */
  keep(session: Session, kept: KeptSession, onEnd: (rest: readonly KeptSession[]) => void): void {
    const known = this.bySession.get(session);
    if (known) return void known.push(kept);
    this.bySession.set(session, [kept]);
    if (session.isEnded || this.awaited.has(session)) return;
    this.awaited.add(session);
    session.onEnd(() => onEnd(this.takeAll(session)));
  }

  /** Returns the one at a server with the credentials of an account. It is kept no longer. */
  take(session: Session, server: string, account: string): KeptSession | undefined {
    const known = this.bySession.get(session) ?? [];
    const found = known.find(({ state }) => state.server === server && (state.account ?? COMMON_ACCOUNT) === account);
    if (!found) return undefined;
    const rest = known.filter((kept) => kept !== found);
    if (rest.length > 0) this.bySession.set(session, rest);
    else this.bySession.delete(session);
    return found;
  }

  takeAll(session: Session): readonly KeptSession[] {
    const all = this.bySession.get(session) ?? [];
    this.bySession.delete(session);
    return all;
  }
}
