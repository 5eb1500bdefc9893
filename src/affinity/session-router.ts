import { Injectable } from '@nestjs/common';
import { toFaultOutcome, type ClientProfile, type Outcome } from '#lib/mcp-protocol';
import { RelayFailure, WorkerBus } from '#lib/worker-bus';
import {
  EventArchive,
  replayOrphanedStream,
  SessionPool,
  UpstreamCalls,
  type Session,
  type StreamEvent,
  type StreamSink,
  type UpstreamCall,
} from '../session-pool/index.js';
import { SessionSubscriptions } from '../subscriptions/index.js';
import { CoordinationUnavailable, OwnerUnreachable, SessionMoved, SessionUnknown } from './affinity.errors.js';
import { HandoffDirectory } from './handoff-directory.js';
import { LocalSession, type LocalOwner } from './local-session.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { RemoteSession } from './remote-session.js';
import { WorkerId, SessionIds, type ReadSessionId, type SessionBinding } from './session-ids.js';
import { WorkerRegistry } from './worker-registry.js';

/** The binding of a new session and the profile of its client. */
export interface SessionRequest extends SessionBinding {
  readonly client: ClientProfile;
}

/** The rest of a session's stream after the owner died. */
export interface OrphanedStream {
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
    private readonly workerId: WorkerId,
    private readonly sessions: SessionPool,
    private readonly calls: UpstreamCalls,
    subscriptions: SessionSubscriptions,
    private readonly workers: WorkerRegistry,
    private readonly directory: HandoffDirectory,
    private readonly pendingHandoffs: PendingHandoffs,
    private readonly bus: WorkerBus,
    private readonly archive: EventArchive,
  ) {
    this.owner = { calls, subscriptions, locateMoved: (session) => this.locateMoved(session) };
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
    const awake = this.workers.checkOwnLiveness();
    return awake ? awake.then(() => this.findSettled(id, binding)) : this.findSettled(id, binding);
  }

  /**
   * Returns a session of this worker, for an order from another worker. Throws, or rejects with, SessionUnknown, or
   * SessionMoved when the session was handed off.
   */
  findLocal(id: string, callerKey: string, endpoint: string): LocalSession | Promise<LocalSession> {
    const handoff = this.pendingHandoffs.find(id);
    return handoff
      ? handoff.then(() => this.findLocalNow(id, callerKey, endpoint))
      : this.findLocalNow(id, callerKey, endpoint);
  }

  private async locateMoved({ id, start: { caller, endpoint } }: Session): Promise<LocatedSession> {
    return this.locate(id, { caller, endpoint, transport: 'http' });
  }

  private findLocalNow(id: string, callerKey: string, endpoint: string): LocalSession {
    const session = this.sessions.find(id);
    if (session) {
      const isBound = session.start.caller.key === callerKey && session.start.endpoint === endpoint;
      if (isBound) return new LocalSession(session, this.owner);
    }
    const newOwner = session ? undefined : this.sessions.findNewOwner(id);
    throw newOwner === undefined ? new SessionUnknown() : new SessionMoved(newOwner);
  }

  /**
   * Replays a stream whose session died with its owner: the events that the client missed, and an error for a call that
   * was not answered. Rejects with SessionUnknown when nothing is stored.
   */
  async replayOrphanedStream(id: string, binding: SessionBinding, lastEventId: string): Promise<OrphanedStream> {
    const content = this.ids.read(id, binding);
    const orphaned = content && (await replayOrphanedStream(this.archive, id, lastEventId).catch(throwUnavailable));
    if (!orphaned) throw new SessionUnknown();
    return { revision: content.revision, events: orphaned.events };
  }

  /** Runs a call that belongs to no session. Aborting the signal cancels the call at its server. */
  deliver(call: UpstreamCall, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    return signal.aborted
      ? Promise.resolve(toFaultOutcome('aborted'))
      : this.calls.runWithoutSession(call, sink, signal);
  }

  private findSettled(id: string, binding: SessionBinding): LocatedSession | Promise<LocatedSession> {
    const handoff = this.pendingHandoffs.find(id);
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
    const newOwner = this.sessions.findNewOwner(id);
    if (newOwner !== undefined) return this.createRemote(id, binding, content, newOwner);
    if (content.owner === this.workerId.text) throw new SessionUnknown();
    return this.findRemote(id, binding, content);
  }

  private async findRemote(id: string, binding: SessionBinding, content: ReadSessionId): Promise<LocatedSession> {
    try {
      const status = await this.workers.status(content.owner);
      if (status === 'alive') return this.createRemote(id, binding, content, content.owner);
      const newOwner = await this.directory.findNewOwner(id);
      const newOwnerStatus = newOwner === undefined ? status : await this.workers.status(newOwner);
      if (newOwner !== undefined && newOwnerStatus === 'alive')
        return this.createRemote(id, binding, content, newOwner);
      throw newOwnerStatus === 'dead' ? new SessionUnknown() : new OwnerUnreachable();
    } catch (cause) {
      throw cause instanceof RelayFailure ? new CoordinationUnavailable() : cause;
    }
  }

  private createRemote(
    id: string,
    { caller, endpoint }: SessionBinding,
    read: ReadSessionId,
    owner: string,
  ): RemoteSession {
    const order = { session: id, caller, endpoint };
    const findNewOwner = () =>
      this.directory.findNewOwner(id).then((newOwner) => (newOwner === owner ? undefined : newOwner), noOwner);
    return new RemoteSession({ order, owner, revision: read.revision }, { bus: this.bus, findNewOwner });
  }
}

const noOwner = (): undefined => undefined;

function throwUnavailable(): never {
  throw new CoordinationUnavailable();
}

function isBoundTo({ start }: Session, { caller, endpoint, transport }: SessionBinding): boolean {
  const isSameTransport = start.answersOnStandingStream === (transport === 'sse');
  return start.caller.key === caller.key && start.endpoint === endpoint && isSameTransport;
}
