import type { CallTransport } from '../../channels/message-pipe.js';
import type { UpstreamReply, UpstreamRequest } from '../../upstream-connection.js';
import { InFlightCall, type CallContext } from '../in-flight-call.js';

/** Implemented by the connection: handles the end and the cancellation of its calls. */
export interface ModernCallHost {
  ended(call: ModernPipeCall): void;
  cancelled(call: ModernPipeCall, reason: string): void;
}

/** A call to a modern server over a shared pipe. */
export class ModernPipeCall extends InFlightCall {
  transport: CallTransport | undefined;

  constructor(
    id: number,
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
    surroundings: CallContext,
    private readonly host: ModernCallHost,
  ) {
    super(id, request, reply, signal, surroundings);
  }

  protected override cancelUpstream(reason: string): boolean {
    const sent = this.transport?.sent === true;
    if (sent) this.host.cancelled(this, reason);
    return sent;
  }

  protected override released(): void {
    this.host.ended(this);
    this.transport?.release();
  }
}
