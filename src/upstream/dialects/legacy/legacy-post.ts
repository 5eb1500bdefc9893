import {
  toFaultOutcome,
  toHttpOutcome,
  toMessageOutcome,
  RpcCode,
  type HttpAnswer,
  type MessageReading,
  type Outcome,
  type TransportFault,
} from '#lib/mcp-protocol';
import type {
  AnswerHeaders,
  HttpChannel,
  HttpExchange,
  HttpReceiver,
  SseEvent,
  StreamCursor,
} from '../../channels/http/index.js';
import type { CallTransport } from '../../channels/message-pipe.js';
import { Backoff } from '../../channels/backoff.js';
import { protocolViolation, sessionLost } from '../../upstream.errors.js';
import { describeInvalidEvent, readMessages } from '../messages.js';
import { mayRunTwice } from '../repeatable-methods.js';
import type { LegacyCall } from './legacy-call.js';
import type { LinkHost } from './legacy-link.js';
import { endsSession } from './session-loss.js';

/**
 * First delay before a stream is resumed when the server sent no delay, in milliseconds (WHATWG leaves it to the
 * client).
 */
const MIN_RESUME_DELAY_MS = 1_000;

/** The session id and headers of a session's requests. */
export interface SessionHeaders {
  readonly sessionId: string | undefined;
  readonly getHeaders: string[];
}

/** One call over streamable HTTP: the POST, the stream that it may open, and the resumption of that stream by GET. */
export class LegacyPost implements HttpReceiver, CallTransport {
  private exchange: HttpExchange | undefined;
  private cursor: StreamCursor | undefined;
  private cancelTimer: (() => void) | undefined;
  /** The server has sent something for this call, so it runs: no error can mean any more that it did not. */
  private isRunning = false;
  private readonly backoff = new Backoff(MIN_RESUME_DELAY_MS);

  constructor(
    private readonly channel: HttpChannel,
    private readonly session: SessionHeaders,
    private readonly host: LinkHost,
    private readonly call: LegacyCall,
  ) {}

  start(headers: string[], text: string): void {
    this.exchange = this.channel.postCall(headers, text, this);
  }

  get mayRepeat(): boolean {
    return mayRunTwice(this.call.request.method);
  }

  get sent(): boolean {
    return this.cursor !== undefined || this.exchange?.sent === true;
  }

  release(): void {
    this.cancelTimer?.();
    this.exchange?.dismiss();
  }

  abort(): void {
    this.exchange?.abort();
  }

  answered(answer: HttpAnswer): void {
    if (this.cursor !== undefined) return this.handleResumeFailure(answer);
    const outcome = toHttpOutcome(answer, this.call.id);
    this.settle(outcome, answer);
    if (outcome.kind === 'error' && outcome.error.code === RpcCode.unsupportedProtocolVersion) this.host.suspectEra();
  }

  streaming(_headers: AnswerHeaders): void {}

  event(event: SseEvent): void | Promise<void> {
    this.backoff.reset();
    if (this.call.settled || event.type !== 'message') return;
    // An empty first event carries the id that a client needs to resume the stream.
    if (event.data === '') return this.cursor === undefined ? this.call.opened(event.retryMs) : undefined;
    const readings = readMessages(event.data, this.host.revision);
    const [single] = readings;
    if (readings.length === 1 && single !== undefined) return this.dispatch(single, event.data);
    return this.dispatchAll(readings, event.data);
  }

  streamEnded(cursor: StreamCursor, fault?: TransportFault): void {
    if (this.call.settled) return;
    if (fault !== undefined) return this.call.settle(toFaultOutcome(fault));
    const lastEventId = cursor.lastEventId ?? this.cursor?.lastEventId;
    if (lastEventId === undefined) return this.call.settle(toFaultOutcome('cut'));
    this.call.interrupted();
    this.resumeLater({ lastEventId, retryMs: cursor.retryMs ?? this.cursor?.retryMs });
  }

  failed(fault: TransportFault, detail?: string): void {
    if (this.cursor === undefined || fault === 'too_large') return this.call.settle(toFaultOutcome(fault, detail));
    this.resumeLater(this.cursor);
  }

  /** An error may mean that the server does not know the session, and has not executed the call. */
  private settle(outcome: Outcome, answer: HttpAnswer): void {
    const mayBeRefused = outcome.kind === 'error' && this.session.sessionId !== undefined && !this.isRunning;
    if (!mayBeRefused || !endsSession(answer, this.call.id)) return this.call.settle(outcome);
    this.call.settle(sessionLost(this.host.server));
    this.host.sessionEnded();
  }

  private async dispatchAll(readings: readonly MessageReading[], text: string): Promise<void> {
    for (const reading of readings) await this.dispatch(reading, text);
  }

  private dispatch(reading: MessageReading, text: string): void | Promise<void> {
    switch (reading.kind) {
      case 'response':
        return this.settle(toMessageOutcome(reading.message, this.call.id), { status: 200, body: text });
      case 'notification':
        this.isRunning = true;
        return this.host.inbox.notification(reading.message, this.call);
      case 'request':
        this.isRunning = true;
        return this.host.inbox.request(reading.message, this.call);
      case 'invalid':
        return this.settle(protocolViolation(this.host.server, describeInvalidEvent(reading)), {
          status: 200,
          body: text,
        });
    }
  }

  private resumeLater(cursor: StreamCursor): void {
    this.cursor = cursor;
    this.isRunning = true;
    const delayMs = cursor.retryMs ?? this.backoff.next();
    this.cancelTimer = this.host.clock.after(delayMs, () => this.resume(cursor.lastEventId ?? ''));
  }

  private resume(lastEventId: string): void {
    if (this.call.settled) return;
    const headers = [...this.session.getHeaders, 'last-event-id', lastEventId];
    this.exchange = this.channel.sendUnqueued({ method: 'GET', headers, body: null }, this);
  }

  /** The server does not resume the stream: the outcome of the call is unknown. */
  private handleResumeFailure(answer: HttpAnswer): void {
    if (answer.status >= 500 && this.cursor !== undefined) return this.resumeLater(this.cursor);
    this.call.settle(toFaultOutcome('cut', `its stream could not be resumed, HTTP ${answer.status}`));
    if (this.session.sessionId !== undefined && endsSession(answer)) this.host.sessionEnded();
  }
}
