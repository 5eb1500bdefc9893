import { Injectable } from '@nestjs/common';
import { mayRequireInput, type Outcome } from '#lib/mcp-protocol';
import { RepeatedCalls, UpstreamCalls, type ParkedState, type UpstreamCall } from '../calls/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { StreamSink } from '../session-pool/index.js';
import type { UpstreamRequest } from '../upstream/index.js';
import { toCallIdentity, type Inbound } from './inbound.js';

/** What goes to the server instead of the client's own request. */
export interface AddressedRequest {
  readonly server: ServerDefinition;
  readonly request: UpstreamCall['request'];
  readonly parameterHeaders?: NonNullable<UpstreamRequest['parameterHeaders']>;
  readonly silent?: true;
}

/** Takes a call to where it runs: to the session's owner, or to a connection for clients without a session. */
@Injectable()
export class CallDelivery {
  constructor(
    private readonly calls: UpstreamCalls,
    private readonly repeatedCalls: RepeatedCalls,
  ) {}

  /** @param parked the call that is gone on with, as `parkedBy` has found it */
  deliver(
    inbound: Inbound,
    addressed: AddressedRequest,
    sink: StreamSink,
    signal: AbortSignal,
    parked?: ParkedState,
  ): Promise<Outcome> {
    const call: UpstreamCall = { ...toCallIdentity(inbound), ...addressed };
    if (inbound.session) return inbound.session.call(call, sink);
    if (!canBeRepeated(inbound, call.request)) return this.calls.runWithoutSession(call, sink, signal);
    return this.repeatedCalls.deliver(call, toBinding(inbound), sink, signal, parked);
  }

  /** The call that waits at its server for what this request brings. @throws RequestStateExpired */
  findParkedCall(inbound: Inbound): ParkedState | undefined {
    if (inbound.session || !canBeRepeated(inbound, inbound.request)) return undefined;
    return this.repeatedCalls.findParkedState(toBinding(inbound));
  }

  /** Its client may not go on with it. Rejects while it cannot be cancelled. */
  cancelParkedCall(parked: ParkedState): Promise<void> {
    return this.repeatedCalls.cancelParked(parked);
  }
}

const canBeRepeated = ({ repeatsItself }: Inbound, { method }: UpstreamCall['request']): boolean =>
  repeatsItself && mayRequireInput(method);

const toBinding = ({ caller, endpoint, request }: Inbound) => ({ caller, endpoint: endpoint.id, request });

/** Takes nothing: for calls before whose outcome nothing may be said. */
export const SILENT_SINK: StreamSink = { emit: () => undefined, end: () => undefined };
