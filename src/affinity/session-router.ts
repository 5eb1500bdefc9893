import { Injectable } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import type { ClientProfile } from '#lib/mcp-protocol';
import { UpstreamCalls } from '../calls/index.js';
import { UpstreamPool } from '../connections/index.js';
import { ServerRegistry } from '../registry/index.js';
import { hasSameNarrowing, SessionPool, type Session } from '../session-pool/index.js';
import { SessionSubscriptions } from '../subscriptions/index.js';
import { WorkerRegistry } from '../workers/index.js';
import { SessionMoved, SessionUnknown } from './affinity.errors.js';
import { LocalSession, type LocalOwner } from './local-session.js';
import { PendingHandoffs } from './pending-handoffs.js';
import type { RemoteSession } from './remote-session.js';
import { RemoteSessions } from './remote-sessions.js';
import { SessionIds, type SessionBinding } from './session-ids.js';

/** The binding of a new session and the profile of its client. */
export interface SessionRequest extends SessionBinding {
  readonly client: ClientProfile;
}

/** A session, local or remote. */
export type LocatedSession = LocalSession | RemoteSession;

/** Opens sessions on this worker, and locates the owner of a session. */
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
    subscriptions: SessionSubscriptions,
    upstreams: UpstreamPool,
    registry: ServerRegistry,
  ) {
    const useConnection: LocalOwner['useConnection'] = (server, session, work) =>
      upstreams.use(server, { caller: session.caller, client: session.client, session }, work);
    this.owner = {
      calls,
      subscriptions,
      useConnection,
      reconnect: async (session) => {
        const server = registry.find(session.start.endpoint);
        if (server && !session.isEnded)
          await useConnection(server, session, async () => undefined).catch(() => undefined);
      },
      setClient: (session, client) => sessions.setClient(session, client),
      locateMoved: (session) => this.follow(session),
    };
  }

  /** Creates a session on this worker, which owns it until it hands the session off. */
  open(request: SessionRequest): LocalSession {
    const id = this.ids.mint(request, request.client.revision);
    const { caller, endpoint, client, transport } = request;
    const start = { id, caller, endpoint, client, answersOnServerStream: transport === 'sse' };
    const session = this.sessions.open(start);
    this.owner.subscriptions.restrict(session);
    return new LocalSession(session, this.owner);
  }

  /**
   * Locates a session. Throws, or rejects with, SessionUnknown for ended, forged and foreign ids alike;
   * OwnerUnreachable or CoordinationUnavailable while the owner cannot be determined.
   */
  locate(id: string, binding: SessionBinding): LocatedSession | Promise<LocatedSession> {
    // A worker that was paused for long may have been declared dead meanwhile, and its sessions with it.
    const awake = this.workers.checkOwnLiveness();
    return awake ? awake.then(() => this.findSettled(id, binding)) : this.findSettled(id, binding);
  }

  /**
   * Returns a session of this worker, for an order from another worker. Throws, or rejects with, SessionUnknown, or
   * SessionMoved when the session was handed off.
   */
  findLocal(id: string, caller: Caller, endpoint: string): LocalSession | Promise<LocalSession> {
    const handoff = this.pendingHandoffs.find(id);
    return handoff
      ? handoff.then(() => this.findLocalNow(id, caller, endpoint))
      : this.findLocalNow(id, caller, endpoint);
  }

  private async follow({ id, caller, start: { endpoint } }: Session): Promise<LocatedSession> {
    return this.locate(id, { caller, endpoint, transport: 'http' });
  }

  private findLocalNow(id: string, caller: Caller, endpoint: string): LocalSession {
    const session = this.sessions.find(id);
    if (session && isOwnedBy(session, caller) && session.start.endpoint === endpoint)
      return this.toLocal(session, caller);
    const newOwner = session ? undefined : this.sessions.findNewOwner(id);
    throw newOwner === undefined ? new SessionUnknown() : new SessionMoved(newOwner);
  }

  /** The session continues with the rights of this request's caller. */
  private toLocal(session: Session, caller: Caller): LocalSession {
    session.useCaller(caller);
    return new LocalSession(session, this.owner);
  }

  private findSettled(id: string, binding: SessionBinding): LocatedSession | Promise<LocatedSession> {
    const handoff = this.pendingHandoffs.find(id);
    return handoff ? handoff.then(() => this.find(id, binding)) : this.find(id, binding);
  }

  private find(id: string, binding: SessionBinding): LocatedSession | Promise<LocatedSession> {
    const session = this.sessions.find(id);
    if (session) {
      if (!isBoundTo(session, binding)) throw new SessionUnknown();
      return this.toLocal(session, binding.caller);
    }
    const content = this.ids.read(id, binding);
    if (!content) throw new SessionUnknown();
    const newOwner = this.sessions.findNewOwner(id);
    if (newOwner !== undefined) return this.remoteSessions.at(newOwner, id, binding, content);
    return this.remoteSessions.find(id, binding, content);
  }
}

function isBoundTo(session: Session, { caller, endpoint, transport }: SessionBinding): boolean {
  const { start } = session;
  const isSameTransport = start.answersOnServerStream === (transport === 'sse');
  return isOwnedBy(session, caller) && start.endpoint === endpoint && isSameTransport;
}

const isOwnedBy = ({ start }: Session, caller: Caller): boolean =>
  start.caller.key === caller.key && hasSameNarrowing(start.caller, caller);
