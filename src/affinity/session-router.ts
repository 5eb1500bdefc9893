import { Injectable } from '@nestjs/common';
import { outcomeOfFault, type ClientProfile, type Outcome } from '#lib/mcp-protocol';
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
import { SessionFeeds } from '../subscriptions/index.js';
import { SessionMoved, SessionUnknown } from './affinity.errors.js';
import { HandoffDirectory } from './handoff-directory.js';
import { LocalSession, type LocalOwner } from './local-session.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { RemoteSession } from './remote-session.js';
import { SessionIds, type ReadSessionId, type SessionBinding } from './session-ids.js';
import { CoordinationUnavailable, OwnerUnreachable, WorkerId, WorkerRegistry } from '../workers/index.js';

/** What a new session is bound to, and who its client is. */
export interface SessionRequest extends SessionBinding {
  readonly client: ClientProfile;
}

/** What a session leaves that is gone with its worker. */
export interface OrphanedStream {
  /** Revision that its client speaks. */
  readonly revision: string;
  /** What followed on the stream that its client comes back for. */
  readonly events: readonly StreamEvent[];
}

/** A session, here or at another worker. */
export type LocatedSession = LocalSession | RemoteSession;

/** Finds the owner of a session, and takes calls to where they run. */
@Injectable()
export class SessionRouter {
  private readonly owner: LocalOwner;

  constructor(
    private readonly ids: SessionIds,
    private readonly workerId: WorkerId,
    private readonly sessions: SessionPool,
    private readonly calls: UpstreamCalls,
    feeds: SessionFeeds,
    private readonly workers: WorkerRegistry,
    private readonly directory: HandoffDirectory,
    private readonly pendingHandoffs: PendingHandoffs,
    private readonly bus: WorkerBus,
    private readonly archive: EventArchive,
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

  /**
   * What a session that is gone with its worker leaves to a client that comes back for a stream: the events that it
   * missed, and the end of a call whose answer never came. Rejects with SessionUnknown where nothing was left.
   */
  async replayOrphanedStream(id: string, binding: SessionBinding, lastEventId: string): Promise<OrphanedStream> {
    const known = this.ids.read(id, binding);
    const left = known && (await replayOrphanedStream(this.archive, id, lastEventId).catch(throwUnavailable));
    if (!left) throw new SessionUnknown();
    return { revision: known.revision, events: left.events };
  }

  /** Runs a call that belongs to no session. Aborting the signal cancels it upstream. */
  deliver(call: UpstreamCall, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    return signal.aborted
      ? Promise.resolve(outcomeOfFault('aborted'))
      : this.calls.runWithoutSession(call, sink, signal);
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
    if (heir !== undefined) return this.createRemote(id, binding, known, heir);
    if (known.owner === this.workerId.text) throw new SessionUnknown();
    return this.findRemote(id, binding, known);
  }

  private async findRemote(id: string, binding: SessionBinding, known: ReadSessionId): Promise<LocatedSession> {
    try {
      const state = await this.workers.status(known.owner);
      if (state === 'alive') return this.createRemote(id, binding, known, known.owner);
      const heir = await this.directory.findNewOwner(id);
      const stateOfHeir = heir === undefined ? state : await this.workers.status(heir);
      if (heir !== undefined && stateOfHeir === 'alive') return this.createRemote(id, binding, known, heir);
      throw stateOfHeir === 'gone' ? new SessionUnknown() : new OwnerUnreachable();
    } catch (cause) {
      throw cause instanceof RelayFailure ? new CoordinationUnavailable() : cause;
    }
  }

  private createRemote(
    id: string,
    { caller, endpoint }: SessionBinding,
    known: ReadSessionId,
    owner: string,
  ): RemoteSession {
    const order = { session: id, caller, endpoint };
    const whither = () => this.directory.findNewOwner(id).then((heir) => (heir === owner ? undefined : heir), noOwner);
    return new RemoteSession({ order, owner, revision: known.revision }, { bus: this.bus, findNewOwner: whither });
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
