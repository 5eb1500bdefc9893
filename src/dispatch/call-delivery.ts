import { Injectable } from '@nestjs/common';
import { canRequireInput, type Outcome } from '#lib/mcp-protocol';
import { RepeatedCalls, UpstreamCalls, type ParkedState, type UpstreamCall } from '../calls/index.js';
import type { ServerDefinition } from '../registry/index.js';
import type { StreamSink } from '../session-pool/index.js';
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
    const call: UpstreamCall = { ...toCallIdentity(inbound), ...addressed, ...(usesTasks && { usesTasks }) };
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

const canBeRepeated = ({ clientRepeatsCall }: Inbound, { method }: UpstreamCall['request']): boolean =>
  clientRepeatsCall && canRequireInput(method);

const toBinding = ({ caller, endpoint, request }: Inbound) => ({ caller, endpoint: endpoint.id, request });

/** Discards messages: for calls that may send none before their outcome. */
export const SILENT_SINK: StreamSink = { emit: () => undefined, end: () => undefined };
