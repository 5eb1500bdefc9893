import { Injectable } from '@nestjs/common';
import { canRequireInput, type Outcome } from '#lib/mcp-protocol';
import { RepeatedCalls, UpstreamCalls, type ParkedState, type UpstreamCall } from '../calls/index.js';
import { passesUnknownMethods } from '../catalog/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { StreamSink } from '../session-pool/index.js';
import { withTraceparent, type CallProgress } from '../telemetry/index.js';
import type { UpstreamRequest } from '../upstream/index.js';
import { toCallIdentity, type Inbound } from './inbound.js';
import { passesTasks } from './unknown-methods.js';

/** A request as it is sent to the server, with the item's own name. */
export interface AddressedRequest {
  readonly server: ServerDefinition;
  readonly request: UpstreamCall['request'];
  readonly parameterHeaders?: NonNullable<UpstreamRequest['parameterHeaders']>;
  readonly silent?: true;
}

/** Sends a call to the owner of its session, or to a connection for a client without a session. */
@Injectable()
export class CallDelivery {
  constructor(
    private readonly calls: UpstreamCalls,
    private readonly repeatedCalls: RepeatedCalls,
  ) {}

  /** @param parked the call to continue, as returned by `findParkedCall` */
  deliver(
    inbound: Inbound,
    addressed: AddressedRequest,
    sink: StreamSink,
    signal: AbortSignal,
    parked?: ParkedState,
  ): Promise<Outcome> {
    const usesTasks = passesTasks(inbound.endpoint, addressed.server);
    const traced = withTrace(addressed, inbound.record);
    const acceptsUnknown = passesUnknownMethods(inbound.endpoint, addressed.server);
    const permissions = { ...(usesTasks && { usesTasks }), ...(acceptsUnknown && { acceptsUnknown }) };
    const call: UpstreamCall = { ...toCallIdentity(inbound), ...traced, ...permissions };
    if (inbound.session) return inbound.session.call(call, sink);
    if (!canBeRepeated(inbound, call.request)) return this.calls.runWithoutSession(call, sink, signal);
    return this.repeatedCalls.deliver(call, toBinding(inbound), sink, signal, parked);
  }

  /** Returns the parked call that this request answers. @throws RequestStateExpired */
  findParkedCall(inbound: Inbound): ParkedState | undefined {
    if (inbound.session || !canBeRepeated(inbound, inbound.request)) return undefined;
    return this.repeatedCalls.findParkedState(toBinding(inbound));
  }

  /** Cancels a parked call whose caller lost access. Rejects while the call cannot be cancelled. */
  cancelParkedCall(parked: ParkedState): Promise<void> {
    return this.repeatedCalls.cancelParked(parked);
  }
}

/** The server’s part of the trace belongs below the span of the request, at whichever worker the call runs. */
function withTrace(addressed: AddressedRequest, record: CallProgress | undefined): AddressedRequest {
  const traceparent = record?.traceparent;
  return traceparent === undefined
    ? addressed
    : { ...addressed, request: withTraceparent(addressed.request, traceparent) };
}

const canBeRepeated = ({ clientRepeatsCall }: Inbound, { method }: UpstreamCall['request']): boolean =>
  clientRepeatsCall && canRequireInput(method);

const toBinding = ({ caller, endpoint, request }: Inbound) => ({ caller, endpoint: endpoint.id, request });

/** Discards messages: for calls that may send none before their outcome. */
export const SILENT_SINK: StreamSink = { emit: () => undefined, end: () => undefined };
