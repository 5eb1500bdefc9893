import { Injectable } from '@nestjs/common';
import type { ClientProfile } from '#lib/mcp-protocol';
import { UpstreamCalls } from '../calls/index.js';
import { SessionPool, type Session } from '../session-pool/index.js';
import { SessionFeeds } from '../subscriptions/index.js';
import { WorkerRegistry } from '../workers/index.js';
import { SessionMoved, SessionUnknown } from './affinity.errors.js';
import { LocalSession, type LocalOwner } from './local-session.js';
import { PendingHandoffs } from './pending-handoffs.js';
import type { RemoteSession } from './remote-session.js';
import { RemoteSessions } from './remote-sessions.js';
import { SessionIds, type SessionBinding } from './session-ids.js';

/** What a new session is bound to, and who its client is. */
export interface SessionRequest extends SessionBinding {
  readonly client: ClientProfile;
}

/** A session, here or at another worker. */
export type LocatedSession = LocalSession | RemoteSession;

/** Opens sessions here, and finds the owner of a session. */
@Injectable()
export class SessionRouter {
  private readonly owner: LocalOwner;

  constructor(
    private readonly ids: SessionIds,
    private readonly sessions: SessionPool,
    private readonly remoteSessions: RemoteSessions,
    private readonly pendingHandoffs: PendingHandoffs,
    private readonly workers: WorkerRegistry,
    calls: UpstreamCalls,
    feeds: SessionFeeds,
  ) {
    this.owner = { calls, subscriptions: feeds, locateMoved: (session) => this.follow(session) };
  }

  /** Creates a session here; this worker owns it until it gives it away itself. */
  open(request: SessionRequest): LocalSession {
    const id = this.ids.mint(request, request.client.revision);
    const { caller, endpoint, client, transport } = request;
    const start = { id, caller, endpoint, client, answersOnStandingStream: transport === 'sse' };
    return new LocalSession(this.sessions.open(start), this.owner);
  }

  /**
   * Finds a session wherever it lives. Throws, or rejects with, SessionUnknown for ended, forged and foreign ids alike;
   * OwnerUnreachable or CoordinationUnavailable while that cannot be told.
   */
  locate(id: string, binding: SessionBinding): LocatedSession | Promise<LocatedSession> {
    // A worker that slept for long may have been declared gone meanwhile, and its sessions with it.
    const awake = this.workers.checkOwnLiveness();
    return awake ? awake.then(() => this.findSettled(id, binding)) : this.findSettled(id, binding);
  }

  /**
   * A session of this worker, for another worker that asks. Throws, or rejects with, SessionUnknown, or SessionMoved
   * when it was given away.
   */
  findLocal(id: string, callerKey: string, endpoint: string): LocalSession | Promise<LocalSession> {
    const moving = this.pendingHandoffs.find(id);
    return moving
      ? moving.then(() => this.findLocalNow(id, callerKey, endpoint))
      : this.findLocalNow(id, callerKey, endpoint);
  }

  private async follow({ id, start: { caller, endpoint } }: Session): Promise<LocatedSession> {
    return this.locate(id, { caller, endpoint, transport: 'http' });
  }

  private findLocalNow(id: string, callerKey: string, endpoint: string): LocalSession {
    const session = this.sessions.find(id);
    if (session) {
      const isBound = session.start.caller.key === callerKey && session.start.endpoint === endpoint;
      if (isBound) return new LocalSession(session, this.owner);
    }
    const heir = session ? undefined : this.sessions.findNewOwner(id);
    throw heir === undefined ? new SessionUnknown() : new SessionMoved(heir);
  }

  private findSettled(id: string, binding: SessionBinding): LocatedSession | Promise<LocatedSession> {
    const moving = this.pendingHandoffs.find(id);
    return moving ? moving.then(() => this.find(id, binding)) : this.find(id, binding);
  }

  private find(id: string, binding: SessionBinding): LocatedSession | Promise<LocatedSession> {
    const session = this.sessions.find(id);
    if (session) {
      if (!isBoundTo(session, binding)) throw new SessionUnknown();
      return new LocalSession(session, this.owner);
    }
    const known = this.ids.read(id, binding);
    if (!known) throw new SessionUnknown();
    const heir = this.sessions.findNewOwner(id);
    if (heir !== undefined) return this.remoteSessions.at(heir, id, binding, known);
    return this.remoteSessions.find(id, binding, known);
  }
}

function isBoundTo({ start }: Session, { caller, endpoint, transport }: SessionBinding): boolean {
  const isSameTransport = start.answersOnStandingStream === (transport === 'sse');
  return start.caller.key === caller.key && start.endpoint === endpoint && isSameTransport;
}
