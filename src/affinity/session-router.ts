import { Injectable } from '@nestjs/common';
import { outcomeOfFault, type ClientProfile, type Outcome } from '#lib/mcp-protocol';
import { RelayFailure, WorkerBus } from '#lib/worker-bus';
import {
  EventArchive,
  replayAfterDeath,
  SessionPool,
  UpstreamCalls,
  type Session,
  type StreamEvent,
  type StreamSink,
  type UpstreamCall,
} from '../session-pool/index.js';
import { SessionFeeds } from '../subscriptions/index.js';
import { CoordinationUnavailable, OwnerUnreachable, SessionMoved, SessionUnknown } from './affinity.errors.js';
import { Heirs } from './heirs.js';
import { LocalSession, type LocalOwner } from './local-session.js';
import { Moves } from './moves.js';
import { RemoteSession } from './remote-session.js';
import { Incarnation, SessionIds, type ReadSessionId, type SessionBinding } from './session-ids.js';
import { Workers } from './workers.js';

/** The binding of a new session and the profile of its client. */
export interface SessionRequest extends SessionBinding {
  readonly client: ClientProfile;
}

/** The rest of a session's stream after the owner died. */
export interface Remains {
  /** Protocol revision of the client. */
  readonly revision: string;
  /** The events that follow the client's last event on this stream. */
  readonly events: readonly StreamEvent[];
}

/** A session, local or remote. */
export type LocatedSession = LocalSession | RemoteSession;

/** Locates the owner of a session, and runs calls without a session. */
@Injectable()
export class SessionRouter {
  private readonly owner: LocalOwner;

  constructor(
    private readonly ids: SessionIds,
    private readonly me: Incarnation,
    private readonly sessions: SessionPool,
    private readonly calls: UpstreamCalls,
    feeds: SessionFeeds,
    private readonly workers: Workers,
    private readonly heirs: Heirs,
    private readonly moves: Moves,
    private readonly bus: WorkerBus,
    private readonly archive: EventArchive,
  ) {
    this.owner = { calls, feeds, follow: (session) => this.follow(session) };
  }

  /** Creates a session on this worker, which owns it until it hands the session off. */
  open(request: SessionRequest): LocalSession {
    const id = this.ids.mint(request, request.client.revision);
    const { caller, endpoint, client, transport } = request;
    const start = { id, caller, endpoint, client, answersOnStandingStream: transport === 'sse' };
    return new LocalSession(this.sessions.open(start), this.owner);
  }

  /**
   * Locates a session. Throws, or rejects with, SessionUnknown for ended, forged and foreign ids alike;
   * OwnerUnreachable or CoordinationUnavailable while the owner cannot be determined.
   */
  locate(id: string, binding: SessionBinding): LocatedSession | Promise<LocatedSession> {
    // A worker that was paused for long may have been declared dead meanwhile, and its sessions with it.
    const awake = this.workers.checkPulse();
    return awake ? awake.then(() => this.findAtRest(id, binding)) : this.findAtRest(id, binding);
  }

  /**
   * Returns a session of this worker, for an order from another worker. Throws, or rejects with, SessionUnknown, or
   * SessionMoved when the session was handed off.
   */
  own(id: string, callerKey: string, endpoint: string): LocalSession | Promise<LocalSession> {
    const handoff = this.moves.of(id);
    return handoff ? handoff.then(() => this.findOwn(id, callerKey, endpoint)) : this.findOwn(id, callerKey, endpoint);
  }

  private async follow({ id, start: { caller, endpoint } }: Session): Promise<LocatedSession> {
    return this.locate(id, { caller, endpoint, transport: 'http' });
  }

  private findOwn(id: string, callerKey: string, endpoint: string): LocalSession {
    const session = this.sessions.find(id);
    if (session) {
      const isBound = session.start.caller.key === callerKey && session.start.endpoint === endpoint;
      if (isBound) return new LocalSession(session, this.owner);
    }
    const newOwner = session ? undefined : this.sessions.movedTo(id);
    throw newOwner === undefined ? new SessionUnknown() : new SessionMoved(newOwner);
  }

  /**
   * Replays a stream whose session died with its owner: the events that the client missed, and an error for a call that
   * was not answered. Rejects with SessionUnknown when nothing is stored.
   */
  async remainsOf(id: string, binding: SessionBinding, lastEventId: string): Promise<Remains> {
    const content = this.ids.read(id, binding);
    const orphaned = content && (await replayAfterDeath(this.archive, id, lastEventId).catch(unavailable));
    if (!orphaned) throw new SessionUnknown();
    return { revision: content.revision, events: orphaned.events };
  }

  /** Runs a call that belongs to no session. Aborting the signal cancels the call at its server. */
  deliver(call: UpstreamCall, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    return signal.aborted ? Promise.resolve(outcomeOfFault('aborted')) : this.calls.runAlone(call, sink, signal);
  }

  private findAtRest(id: string, binding: SessionBinding): LocatedSession | Promise<LocatedSession> {
    const handoff = this.moves.of(id);
    return handoff ? handoff.then(() => this.find(id, binding)) : this.find(id, binding);
  }

  private find(id: string, binding: SessionBinding): LocatedSession | Promise<LocatedSession> {
    const session = this.sessions.find(id);
    if (session) {
      if (!isBoundTo(session, binding)) throw new SessionUnknown();
      return new LocalSession(session, this.owner);
    }
    const content = this.ids.read(id, binding);
    if (!content) throw new SessionUnknown();
    const newOwner = this.sessions.movedTo(id);
    if (newOwner !== undefined) return this.remote(id, binding, content, newOwner);
    if (content.owner === this.me.text) throw new SessionUnknown();
    return this.findElsewhere(id, binding, content);
  }

  private async findElsewhere(id: string, binding: SessionBinding, content: ReadSessionId): Promise<LocatedSession> {
    try {
      const status = await this.workers.whereIs(content.owner);
      if (status === 'alive') return this.remote(id, binding, content, content.owner);
      const newOwner = await this.heirs.of(id);
      const newOwnerStatus = newOwner === undefined ? status : await this.workers.whereIs(newOwner);
      if (newOwner !== undefined && newOwnerStatus === 'alive') return this.remote(id, binding, content, newOwner);
      throw newOwnerStatus === 'gone' ? new SessionUnknown() : new OwnerUnreachable();
    } catch (cause) {
      throw cause instanceof RelayFailure ? new CoordinationUnavailable() : cause;
    }
  }

  private remote(id: string, { caller, endpoint }: SessionBinding, read: ReadSessionId, owner: string): RemoteSession {
    const order = { session: id, caller, endpoint };
    const whither = () => this.heirs.of(id).then((newOwner) => (newOwner === owner ? undefined : newOwner), nobody);
    return new RemoteSession({ order, owner, revision: read.revision }, { bus: this.bus, whither });
  }
}

const nobody = (): undefined => undefined;

function unavailable(): never {
  throw new CoordinationUnavailable();
}

function isBoundTo({ start }: Session, { caller, endpoint, transport }: SessionBinding): boolean {
  const isSameTransport = start.answersOnStandingStream === (transport === 'sse');
  return start.caller.key === caller.key && start.endpoint === endpoint && isSameTransport;
}
