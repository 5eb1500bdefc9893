import { toFaultOutcome, toHttpOutcome, toMessageOutcome, RpcCode, type HttpAnswer } from '#lib/mcp-protocol';
import type { AnswerHeaders, HttpExchange, HttpReceiver, SseEvent, StreamCursor } from '../../channels/http/index.js';
import type { TransportFault } from '#lib/mcp-protocol';
import type { UpstreamReply, UpstreamRequest } from '../../upstream-connection.js';
import { protocolViolation } from '../../upstream.errors.js';
import { describeInvalidEvent, readMessages } from '../messages.js';
import { checkInputRequests } from './input-request-check.js';
import { mayRunTwice } from '../repeatable-methods.js';
import { InFlightCall, type CallContext } from '../in-flight-call.js';

export interface ModernCallContext extends CallContext {
  readonly revision: string;
  /** Called on an answer that a server of this era and revision does not send. */
  suspectEra(): void;
}

/** A call to a modern server over HTTP: one POST with its own answer or event stream. */
export class ModernHttpCall extends InFlightCall implements HttpReceiver {
  exchange: HttpExchange | undefined;

  constructor(
    id: number,
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
    protected override readonly context: ModernCallContext,
  ) {
    super(id, request, reply, signal, context);
  }

  get mayRepeat(): boolean {
    return mayRunTwice(this.request.method);
  }

  answered(answer: HttpAnswer): void {
    const outcome = toHttpOutcome(answer, this.id);
    this.settle(checkInputRequests(outcome, this));
    if (outcome.kind === 'result' || !FOREIGN_STATUSES.has(answer.status)) return;
    if (!MODERN_CODES.has(outcome.error.code)) this.context.suspectEra();
  }

  streaming(_headers: AnswerHeaders): void {}

  event(event: SseEvent): void | Promise<void> {
    if (this.settled || event.type !== 'message' || event.data === '') return;
    const [reading] = readMessages(event.data, this.context.revision);
    if (reading?.kind === 'response')
      return this.settle(checkInputRequests(toMessageOutcome(reading.message, this.id), this));
    if (reading?.kind !== 'notification') {
      const what =
        reading?.kind === 'request' ? 'it sent a request on a response stream' : describeInvalidEvent(reading);
      return this.settle(protocolViolation(this.context.server, what));
    }
    const { method, params = {} } = reading.message;
    if (method !== 'notifications/progress') return this.deliver({ method, params });
    if (params['progressToken'] === this.id) return this.deliverProgress({ method, params });
  }

  streamEnded(_cursor: StreamCursor, fault?: TransportFault): void {
    this.settle(toFaultOutcome(fault ?? 'cut'));
  }

  failed(fault: TransportFault, detail?: string): void {
    this.settle(toFaultOutcome(fault, detail));
  }

  protected override cancelUpstream(): boolean {
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
