import { outcomeOfFault, outcomeOfHttp, outcomeOfMessage, RpcCode, type HttpAnswer } from '#lib/mcp-protocol';
import type { AnswerHeaders, HttpExchange, HttpReceiver, SseEvent, StreamCursor } from '../../channels/http/index.js';
import type { TransportFault } from '#lib/mcp-protocol';
import type { UpstreamReply, UpstreamRequest } from '../../upstream-connection.js';
import { brokeProtocol } from '../../upstream.errors.js';
import { readText } from '../messages.js';
import { checkedInput } from './input-check.js';
import { RunningCall, type CallSurroundings } from '../running-call.js';

export interface ModernSurroundings extends CallSurroundings {
  readonly revision: string;
  /** Called on an answer that a server of this era and revision does not send. */
  suspect(): void;
}

/** A call to a modern server over HTTP: one POST with its own answer or event stream. */
export class ModernHttpCall extends RunningCall implements HttpReceiver {
  exchange: HttpExchange | undefined;

  constructor(
    id: number,
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
    protected override readonly surroundings: ModernSurroundings,
  ) {
    super(id, request, reply, signal, surroundings);
  }

  answered(answer: HttpAnswer): void {
    const outcome = outcomeOfHttp(answer, this.id);
    this.settle(checkedInput(outcome, this));
    if (outcome.kind === 'result' || !FOREIGN_STATUSES.has(answer.status)) return;
    if (!MODERN_CODES.has(outcome.error.code)) this.surroundings.suspect();
  }

  streaming(_headers: AnswerHeaders): void {}

  event(event: SseEvent): void | Promise<void> {
    if (this.settled || event.type !== 'message' || event.data === '') return;
    const [reading] = readText(event.data, this.surroundings.revision);
    if (reading?.kind === 'response')
      return this.settle(checkedInput(outcomeOfMessage(reading.message, this.id), this));
    if (reading?.kind !== 'notification') {
      const what =
        reading?.kind === 'request' ? 'it sent a request on a response stream' : 'an event is not a JSON-RPC message';
      return this.settle(brokeProtocol(this.surroundings.server, what));
    }
    const { method, params = {} } = reading.message;
    if (method !== 'notifications/progress') return this.deliver({ method, params });
    if (params['progressToken'] === this.id) return this.deliverProgress({ method, params });
  }

  streamEnded(_cursor: StreamCursor, fault?: TransportFault): void {
    this.settle(outcomeOfFault(fault ?? 'cut'));
  }

  failed(fault: TransportFault, detail?: string): void {
    this.settle(outcomeOfFault(fault, detail));
  }

  protected override withdraw(): boolean {
    const sent = this.exchange?.sent === true;
    this.exchange?.abort();
    return sent;
  }

  protected override released(): void {
    this.exchange?.dismiss();
  }
}

/** Statuses with which a server of another era rejects an unknown request. */
const FOREIGN_STATUSES: ReadonlySet<number> = new Set([400, 404, 405]);

/**
 * Error codes that a modern server sends with such a status; a server of another revision reports it as unsupported.
 */
const MODERN_CODES: ReadonlySet<number> = new Set([
  RpcCode.headerMismatch,
  RpcCode.missingClientCapability,
  RpcCode.methodNotFound,
  RpcCode.invalidParams,
]);
