import { Injectable } from '@nestjs/common';
import { mayRequireInput, type Outcome } from '#lib/mcp-protocol';
import { RepeatedCalls, SessionRouter } from '../affinity/index.js';
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

  deliver(inbound: Inbound, addressed: Addressed, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    const call: UpstreamCall = { ...callFor(inbound), ...addressed };
    if (inbound.session) return inbound.session.call(call, sink);
    const mayBeRepeated = inbound.repeatsItself && mayRequireInput(call.request.method);
    if (!mayBeRepeated) return this.router.deliver(call, sink, signal);
    return this.repeated.deliver(call, inbound.endpoint.id, sink, signal);
  }
}

/** Takes nothing: for calls before whose outcome nothing may be said. */
export const SILENT_SINK: StreamSink = { emit: () => undefined, end: () => undefined };
