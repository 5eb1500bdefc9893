import { Injectable } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import { outcomeOfFault, type ClientProfile, type Outcome } from '#lib/mcp-protocol';
import { SessionPool, UpstreamCalls, type StreamSink, type UpstreamCall } from '../session-pool/index.js';
import { SessionFeeds } from '../subscriptions/index.js';
import { SessionUnknown } from './affinity.errors.js';
import { LocalSession, type LocalOwner } from './local-session.js';
import type { SessionHandle } from './session-handle.js';
import { SessionIds } from './session-ids.js';

/** What a new session is bound to. */
export interface SessionRequest {
  readonly caller: Caller;
  readonly endpoint: string;
  readonly client: ClientProfile;
  readonly answersOnStandingStream: boolean;
}

/** Finds the owner of a session, and takes calls to where they run. */
@Injectable()
export class SessionRouter {
  private readonly owner: LocalOwner;

  constructor(
    private readonly ids: SessionIds,
    private readonly sessions: SessionPool,
    private readonly calls: UpstreamCalls,
    feeds: SessionFeeds,
  ) {
    this.owner = { calls, feeds };
  }

  /** Creates a session here; this worker owns it for its whole life. */
  open(request: SessionRequest): SessionHandle {
    const id = this.ids.mint(request.caller, request.endpoint);
    return new LocalSession(this.sessions.open({ ...request, id }), this.owner);
  }

  /** @throws SessionUnknown for ended, forged and foreign ids alike. */
  locate(id: string, caller: Caller, endpoint: string): SessionHandle {
    const session = this.sessions.find(id);
    const isBound = session?.start.caller.key === caller.key && session.start.endpoint === endpoint;
    if (!session || !isBound) throw new SessionUnknown();
    return new LocalSession(session, this.owner);
  }

  /** Runs a call that belongs to no session. Aborting the signal cancels it upstream. */
  deliver(call: UpstreamCall, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    return signal.aborted ? Promise.resolve(outcomeOfFault('aborted')) : this.calls.runAlone(call, sink, signal);
  }
}
