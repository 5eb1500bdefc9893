import { toFaultOutcome, type HttpAnswer, type TransportFault } from '#lib/mcp-protocol';
import type { AnswerHeaders, HttpExchange, HttpReceiver } from '../../channels/http/index.js';
import type { UpstreamReply, UpstreamRequest } from '../../upstream-connection.js';
import { protocolViolation } from '../../upstream.errors.js';
import { InFlightCall, type CallContext } from '../in-flight-call.js';
import { restAnswerToOutcome, type ToolResultMapping } from './rest-response.js';

/** A tool call that is one plain HTTP request. Cancelling the call aborts the request. */
export class RestCall extends InFlightCall implements HttpReceiver {
  exchange: HttpExchange | undefined;

  constructor(
    id: number,
    private readonly tool: Omit<ToolResultMapping, 'server'>,
    request: UpstreamRequest,
    reply: UpstreamReply,
    signal: AbortSignal,
    surroundings: CallContext,
  ) {
    super(id, request, reply, signal, surroundings);
  }

  answered(answer: HttpAnswer, _headers: AnswerHeaders, bytes: Buffer): void {
    this.settle(restAnswerToOutcome(answer, bytes, { server: this.server, ...this.tool }));
  }

  /** A tool has one answer. An event stream, which may never end, is rejected. */
  streaming(): void {
    this.settle(protocolViolation(this.server, 'the answer is an event stream'));
  }

  event(): void {}

  streamEnded(): void {}

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
