import type { CallTransport } from '../../channels/message-pipe.js';
import type { UpstreamReply, UpstreamRequest } from '../../upstream-connection.js';
import { InFlightCall, type CallContext } from '../in-flight-call.js';

/** What the connection does with a call that begins and ends. */
export interface ModernCallHost {
  ended(call: ModernPipeCall): void;
  cancelled(call: ModernPipeCall, reason: string): void;
}

/** A call to a modern server whose calls share one pipe. */
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
