import { Injectable } from '@nestjs/common';
import { mayRequireInput, type Outcome } from '#lib/mcp-protocol';
import { RepeatedCalls, SessionRouter, type ParkedState } from '../affinity/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { StreamSink, UpstreamCall } from '../session-pool/index.js';
import type { UpstreamRequest } from '../upstream/index.js';
import { callFor, type Inbound } from './inbound.js';

/** What goes to the server instead of the client's own request. */
export interface Addressed {
  readonly server: ServerDefinition;
  readonly request: UpstreamCall['request'];
  readonly parameterHeaders?: NonNullable<UpstreamRequest['parameterHeaders']>;
  readonly silent?: true;
}

/** Takes a call to where it runs: to the session's owner, or to a connection for clients without a session. */
@Injectable()
export class CallDelivery {
  constructor(
    private readonly router: SessionRouter,
    private readonly repeated: RepeatedCalls,
  ) {}

  /** @param parked the call that is gone on with, as `parkedBy` has found it */
  deliver(
    inbound: Inbound,
    addressed: Addressed,
    sink: StreamSink,
    signal: AbortSignal,
    parked?: ParkedState,
  ): Promise<Outcome> {
    const call: UpstreamCall = { ...callFor(inbound), ...addressed };
    if (inbound.session) return inbound.session.call(call, sink);
    if (!mayBeRepeated(inbound, call.request)) return this.router.deliver(call, sink, signal);
    return this.repeated.deliver(call, bindingOf(inbound), sink, signal, parked);
  }

  /** The call that waits at its server for what this request brings. @throws RequestStateLapsed */
  parkedBy(inbound: Inbound): ParkedState | undefined {
    if (inbound.session || !mayBeRepeated(inbound, inbound.request)) return undefined;
    return this.repeated.parkedIn(bindingOf(inbound));
  }

  /** Its client may not go on with it. Rejects while it cannot be cancelled. */
  giveUp(parked: ParkedState): Promise<void> {
    return this.repeated.giveUp(parked);
  }
}

const mayBeRepeated = ({ repeatsItself }: Inbound, { method }: UpstreamCall['request']): boolean =>
  repeatsItself && mayRequireInput(method);

const bindingOf = ({ caller, endpoint, request }: Inbound) => ({ caller, endpoint: endpoint.id, request });

/** Takes nothing: for calls before whose outcome nothing may be said. */
export const SILENT_SINK: StreamSink = { emit: () => undefined, end: () => undefined };
