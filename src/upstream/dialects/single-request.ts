import type { HttpAnswer, TransportFault } from '#lib/mcp-protocol';
import type {
  AnswerHeaders,
  HttpChannel,
  HttpExchange,
  HttpReceiver,
  HttpRequest,
  SseEvent,
} from '../channels/http/index.js';

/** How one HTTP request other than a call ended. */
export type RequestEnding =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer; readonly headers: AnswerHeaders }
  /** The first accepted message event of an event stream; empty when no message was awaited. */
  | { readonly kind: 'message'; readonly data: string; readonly headers: AnswerHeaders }
  | { readonly kind: 'fault'; readonly fault: TransportFault; readonly detail?: string };

/**
 * One HTTP request whose ending is awaited: handshakes, notifications, session deletions. On an event stream it ends
 * with the first message event for which `accepts` returns true; without `accepts` it ends when the stream begins.
 */
export class SingleRequest implements HttpReceiver {
  readonly ended: Promise<RequestEnding>;
  private readonly exchange: HttpExchange;
  private headers: AnswerHeaders = {};
  private finish: (ending: RequestEnding) => void = () => undefined;

  constructor(
    channel: HttpChannel,
    request: HttpRequest,
    private readonly accepts?: (data: string) => boolean,
    signal?: AbortSignal,
  ) {
    this.ended = new Promise((resolve) => {
      this.finish = (ending) => {
        signal?.removeEventListener('abort', this);
        resolve(ending);
      };
    });
    this.exchange = channel.sendUnqueued(request, this);
    if (signal?.aborted === true) this.handleEvent();
    else signal?.addEventListener('abort', this);
  }

  /** A handshake or discovery that runs twice does no harm. */
  get mayRepeat(): boolean {
    return this.accepts !== undefined;
  }

  /** Called when the signal is aborted. */
  handleEvent(): void {
    const fault = this.exchange.sent ? 'aborted' : 'refused';
    this.exchange.abort();
    this.finish({ kind: 'fault', fault, detail: 'cancelled' });
  }

  answered(answer: HttpAnswer, headers: AnswerHeaders): void {
    this.finish({ kind: 'answer', answer, headers });
  }

  streaming(headers: AnswerHeaders): void {
    this.headers = headers;
    if (this.accepts === undefined) this.finishWithMessage('');
  }

  event(event: SseEvent): void {
    if (event.type === 'message' && event.data !== '' && this.accepts?.(event.data) === true)
      this.finishWithMessage(event.data);
  }

  streamEnded(_cursor: unknown, fault: TransportFault = 'cut'): void {
    this.finish({ kind: 'fault', fault });
  }

  failed(fault: TransportFault, detail?: string): void {
    this.finish(detail === undefined ? { kind: 'fault', fault } : { kind: 'fault', fault, detail });
  }

  private finishWithMessage(data: string): void {
    this.finish({ kind: 'message', data, headers: this.headers });
    this.exchange.dismiss();
  }
}
