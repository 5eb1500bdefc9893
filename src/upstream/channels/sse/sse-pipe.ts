import {
  JsonFault,
  toFaultOutcome,
  parseServerMessage,
  result,
  type HttpAnswer,
  type JsonValue,
  type Outcome,
  type TransportFault,
} from '#lib/mcp-protocol';
import type { AnswerHeaders, HttpChannel, HttpExchange, HttpReceiver, SseEvent } from '../http/index.js';
import { MessagePipe, type CallTransport } from '../message-pipe.js';

/** Timeout for messages that expect no answer, in milliseconds. */
const ONE_WAY_TIMEOUT_MS = 5_000;

/** Why an event stream did not become a pipe. */
export type SseRefusal =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer }
  | { readonly kind: 'fault'; readonly fault: TransportFault; readonly detail: string };

export interface SsePipeOptions {
  /** Interprets the rejection of a message: the outcome, and whether the server lost the session. */
  readonly toRefusal: (answer: HttpAnswer, id: number) => { readonly outcome: Outcome; readonly isLost: boolean };
  /** Called with an event that is not a message. */
  readonly onInvalidMessage: (text: string) => void;
}

/** HTTP+SSE: the server writes into one event stream and announces the endpoint to which messages are posted. */
export class SsePipe extends MessagePipe implements HttpReceiver {
  /** Resolves when the server has announced the endpoint, or with the reason why it did not. */
  readonly opened: Promise<SseRefusal | undefined>;
  private readonly stream: HttpExchange;
  private readonly postHeaders: string[];
  private endpoint: string | undefined;
  private resolveOpened: (refusal?: SseRefusal) => void = () => undefined;
  private paused: { readonly promise: Promise<void>; readonly go: () => void } | undefined;

  constructor(
    private readonly channel: HttpChannel,
    private readonly options: SsePipeOptions,
    timeoutMs: number,
  ) {
    super();
    this.postHeaders = [...channel.headers, 'accept', 'application/json', 'content-type', 'application/json'];
    this.opened = new Promise((resolve) => {
      this.resolveOpened = resolve;
    });
    const headers = [...channel.headers, 'accept', 'text/event-stream'];
    this.stream = channel.sendUnqueued({ method: 'GET', headers, body: null, timeoutMs }, this);
  }

  get full(): boolean {
    return this.channel.full;
  }

  override send(
    text: string,
    id: number,
    refused: (outcome: Outcome) => void,
    headers: readonly string[] = [],
  ): CallTransport {
    const post = new SsePost(id, refused, this);
    const all = headers.length === 0 ? this.postHeaders : [...this.postHeaders, ...headers];
    post.exchange = this.channel.postCall(all, text, post, this.endpoint);
    return post;
  }

  override sendOneWay(text: string): Promise<Outcome> {
    return new Promise((resolve) => {
      const post = new SsePost(undefined, resolve, this, () => resolve(result({})));
      const request = { method: 'POST', headers: this.postHeaders, body: text, timeoutMs: ONE_WAY_TIMEOUT_MS } as const;
      post.exchange = this.channel.sendUnqueued(
        this.endpoint === undefined ? request : { ...request, path: this.endpoint },
        post,
      );
    });
  }

  override pause(): void {
    if (this.paused !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.paused = { promise, go: resolve };
  }

  override resume(): void {
    this.paused?.go();
    this.paused = undefined;
  }

  override async close(): Promise<void> {
    this.endSilently();
    this.stream.abort();
    this.resume();
    this.resolveOpened({ kind: 'fault', fault: 'refused', detail: 'it was closed' });
  }

  /** Interprets the server's rejection of a message, as the options define. */
  toRefusedOutcome(answer: HttpAnswer, id: number | undefined): Outcome {
    const { outcome, isLost } = this.options.toRefusal(answer, id ?? 0);
    if (isLost) {
      // The rejected call settles before all others are ended.
      queueMicrotask(() => this.fail('lost', 'the server ended the session'));
    }
    return outcome;
  }

  // Messages of the event stream.

  answered(answer: HttpAnswer): void {
    this.resolveOpened({ kind: 'answer', answer });
    this.ended('lost', 'the server offers no event stream');
  }

  streaming(_headers: AnswerHeaders): void {}

  event(event: SseEvent): void | Promise<void> {
    if (event.type === 'endpoint') this.setEndpoint(event.data);
    else if (event.type === 'message' && event.data !== '') this.parseMessage(event.data);
    return this.paused?.promise;
  }

  streamEnded(_cursor: unknown, fault?: TransportFault): void {
    this.resolveOpened({ kind: 'fault', fault: fault ?? 'cut', detail: 'the event stream ended' });
    this.ended(fault === undefined || fault === 'timeout' ? 'lost' : fault, 'the event stream ended');
  }

  failed(fault: TransportFault, detail = ''): void {
    this.resolveOpened({ kind: 'fault', fault, detail });
    this.ended('lost', 'the event stream broke');
  }

  private setEndpoint(address: string): void {
    if (this.endpoint !== undefined) return;
    const url = URL.parse(address, this.channel.url.href);
    // Otherwise this server could redirect messages, and the gateway's credentials with them, to another origin.
    if (url === null || url.origin !== this.channel.url.origin) {
      this.channel.reportFailure(`its messages go to ${address.split(/[?#]/, 1)[0]}, which is at another origin`);
      this.resolveOpened({ kind: 'fault', fault: 'cut', detail: 'the endpoint is at another origin' });
      return this.fail('lost', 'the endpoint is at another origin');
    }
    this.endpoint = url.pathname + url.search;
    this.stream.removeTimeout();
    this.resolveOpened();
  }

  private parseMessage(data: string): void {
    let value: JsonValue;
    try {
      value = parseServerMessage(data);
    } catch (fault) {
      // It may be the answer to any call, so that all calls must end.
      if (fault instanceof JsonFault && fault.reason === 'size') {
        return this.fail('too_large', fault.message.slice(0, -1));
      }
      return this.options.onInvalidMessage(data);
    }
    this.received(value);
  }

  private fail(fault: TransportFault, reason: string): void {
    this.stream.abort();
    this.ended(fault, reason);
  }
}

/** One posted message. The HTTP response only shows whether the server accepted it. */
class SsePost implements HttpReceiver, CallTransport {
  exchange: HttpExchange | undefined;

  constructor(
    private readonly id: number | undefined,
    private readonly onRefused: (outcome: Outcome) => void,
    private readonly pipe: SsePipe,
    private readonly onAccepted: () => void = () => undefined,
  ) {}

  get sent(): boolean {
    return this.exchange?.sent === true;
  }

  release(): void {
    this.exchange?.dismiss();
  }

  abort(): void {
    this.exchange?.abort();
  }

  answered(answer: HttpAnswer): void {
    if (answer.status < 300) this.onAccepted();
    else this.onRefused(this.pipe.toRefusedOutcome(answer, this.id));
  }

  streaming(): void {
    this.onAccepted();
    this.exchange?.dismiss();
  }

  event(): void {}

  streamEnded(): void {}

  failed(fault: TransportFault, detail?: string): void {
    // An oversized or unreadable acknowledgement is still one, and a late acknowledgement may still arrive: treat the message as
    // accepted.
    if (fault === 'too_large' || fault === 'undecodable' || (fault === 'timeout' && this.id === undefined))
      this.onAccepted();
    else this.onRefused(toFaultOutcome(fault === 'cut' ? 'lost' : fault, detail));
  }
}
