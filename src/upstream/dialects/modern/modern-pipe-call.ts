import type { Carriage } from '../../channels/message-pipe.js';
import type { UpstreamReply, UpstreamRequest } from '../../upstream-connection.js';
import { RunningCall, type CallSurroundings } from '../running-call.js';

/** Implemented by the connection: handles the end and the cancellation of its calls. */
export interface ModernCallKeeper {
  ended(call: ModernPipeCall): void;
  withdrawn(call: ModernPipeCall, reason: string): void;
}

/** A call to a modern server over a shared pipe. */
export class ModernPipeCall extends RunningCall {
  carriage: Carriage | undefined;

  constructor(
    id: number,
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
    surroundings: CallSurroundings,
    private readonly keeper: ModernCallKeeper,
  ) {
    super(id, request, reply, signal, surroundings);
  }

  protected override withdraw(reason: string): boolean {
    const sent = this.carriage?.sent === true;
    if (sent) this.keeper.withdrawn(this, reason);
    return sent;
  }

  protected override released(): void {
    this.keeper.ended(this);
    this.carriage?.release();
  }
}
