import { isUtf8 } from 'node:buffer';
import type { Dispatcher } from 'undici';
import { trimOptionalWhitespace, type HttpAnswer, type TransportFault } from '#lib/mcp-protocol';
import type { Deadlines, Expiring } from '../deadlines.js';
import { AddressForbidden } from '#lib/address-guard';
import { BodyDecoder, codingsOf, isDecodable, type DecodedBody, type FlowControl } from './body-decoder.js';
import { SseOverflow, SseParser, type SseEvent } from './sse-parser.js';

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Receives the response to one HTTP request. The last call is exactly one of `answered`, `streamEnded` and `failed`.
 */
export interface HttpReceiver {
  /** True if the server may execute the request twice: it is sent again when a kept connection closes without an answer. */
  readonly mayRepeat?: boolean;
  /** A complete answer that is not an event stream, with any status; `bytes` is its body, decoded. */
  answered(answer: HttpAnswer, headers: AnswerHeaders, bytes: Buffer): void;
  /** An event stream begins. */
  streaming(headers: AnswerHeaders): void;
  /** A returned promise is back-pressure: the exchange reads nothing more until it settles. */
  event(event: SseEvent): void | Promise<void>;
  /** The event stream ended, cleanly or not; `fault` is set when the gateway ended it. */
  streamEnded(cursor: StreamCursor, fault?: TransportFault): void;
  /** No answer arrived. `refused` means that nothing was sent. The detail never contains an address. */
  failed(fault: TransportFault, detail?: string): void;
}

/** The position from which an event stream can be resumed. */
export interface StreamCursor {
  readonly lastEventId: string | undefined;
  readonly retryMs: number | undefined;
}

export interface HttpLimits {
  readonly maxBodyBytes: number;
  readonly maxEventBytes: number;
}

/** What all exchanges with one server share. */
export interface HttpExchangeContext {
  readonly limits: HttpLimits;
  readonly deadlines: Deadlines;
  /** Reports more about a failure to operators than to the receiver: addresses, the target of a redirect. */
  readonly reportFailure: (detail: string) => void;
}

/** How long a dismissed stream may take to end by itself, in milliseconds. */
const DISMISS_TIMEOUT_MS = 1_000;

/** Replaces a text that is not UTF-8. It is not valid JSON. */
const UNREADABLE = '\uFFFD';

/** How undici reports that the other side closed or reset the connection. */
const CLOSED_CODES: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

const ABORTED = new Error('aborted');

/**
 * One HTTP request and its answer, driven by undici. Aborting closes the connection, or prevents it from being opened.
 */
export class HttpExchange implements Dispatcher.DispatchHandler, DecodedBody, Expiring {
  expiresAt = 0;
  private controller: Dispatcher.DispatchController | undefined;
  private hasStarted = false;
  /** Sends the request again over a new connection. */
  repeat: (() => void) | undefined;
  private isOver = false;
  private status = 0;
  private statusText: string | undefined;
  private headers: AnswerHeaders = {};
  private chunks: Buffer[] = [];
  private received = 0;
  private sse: SseParser | undefined;
  private undelivered: SseEvent[] | undefined;
  private hasStreamEnded = false;
  private isDismissed = false;
  private decoder: BodyDecoder | undefined;
  /** The codings of a body that cannot be decoded. */
  private unknownCodings: string | undefined;

  constructor(
    private receiver: HttpReceiver,
    private readonly context: HttpExchangeContext,
    private readonly onOver: () => void,
    private timeoutMs: number = 0,
  ) {
    if (timeoutMs > 0) context.deadlines.add(this, timeoutMs);
  }

  /** Ends the exchange without notifying the receiver. */
  abort(): void {
    if (!this.finish()) return;
    this.controller?.abort(ABORTED);
  }

  /** True once bytes may have left. */
  get sent(): boolean {
    return this.hasStarted;
  }

  /** True once the receiver has its outcome, or needs none. */
  get hasEnded(): boolean {
    return this.isOver;
  }

  /** The server has refused the request before it ran. Returns true if it may be sent again. */
  restart(): boolean {
    if (this.isDismissed) this.finish();
    this.hasStarted = false;
    this.controller = undefined;
    return !this.isOver;
  }

  /** Ends the exchange: the request did not run. */
  refuse(detail: string): void {
    this.fail('refused', detail);
  }

  /** The position in the event stream; undefined before the stream begins. */
  get cursor(): StreamCursor | undefined {
    return this.sse;
  }

  /**
   * Detaches the receiver, which needs no further events. The stream may end by itself within DISMISS_TIMEOUT_MS, so
   * that its TCP connection can be reused.
   */
  dismiss(): void {
    if (this.isOver || this.isDismissed) return;
    // A request that still waits for a connection must not be sent any more.
    if (!this.sent) return this.abort();
    this.isDismissed = true;
    this.undelivered = undefined;
    this.removeTimeout();
    this.timeoutMs = DISMISS_TIMEOUT_MS;
    this.context.deadlines.add(this, DISMISS_TIMEOUT_MS);
    this.decoder?.destroy();
    this.controller?.resume();
  }

  expire(): void {
    if (this.isDismissed) this.abort();
    else this.fail('timeout');
  }

  /** Removes the timeout: an event stream may stay open indefinitely. */
  removeTimeout(): void {
    if (this.timeoutMs > 0) this.context.deadlines.remove(this, this.timeoutMs);
    this.timeoutMs = 0;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.hasStarted = true;
    if (this.isOver) controller.abort(ABORTED);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: AnswerHeaders,
    statusText?: string,
  ): void {
    if (status < 200 || this.isOver) return;
    this.status = status;
    this.statusText = statusText;
    this.headers = headers;
    if (status >= 300 && status < 400) this.reportRedirect(status, firstHeaderValue(headers['location']));
    this.prepareDecoder(codingsOf(headers['content-encoding']));
    if (status < 300 && this.unknownCodings === undefined && isEventStream(headers['content-type'])) {
      this.sse = new SseParser(this.context.limits.maxEventBytes, this.context.deadlines.now);
      this.receiver.streaming(headers);
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.isOver || this.isDismissed) return;
    if (this.decoder !== undefined) this.decoder.write(chunk);
    else this.receive(chunk);
  }

  onResponseEnd(): void {
    if (this.isDismissed) this.finish();
    if (this.isOver) return;
    if (this.decoder !== undefined) this.decoder.end();
    else this.endBody();
  }

  decoded(bytes: Buffer | undefined): void {
    if (this.isOver || this.isDismissed) return;
    if (bytes === undefined) this.endBody();
    else this.receive(bytes);
  }

  /** A stream that ends too early can be resumed. The body of a refusal is not needed. */
  undecodable(fault: TransportFault, detail: string): void {
    if (this.isOver || this.isDismissed) return;
    const isNeeded = this.status < 300 && !(this.sse !== undefined && fault === 'cut');
    if (isNeeded) return this.fail(fault, detail);
    this.chunks = [];
    this.controller?.abort(ABORTED);
    this.endBody();
  }

  private reportRedirect(status: number, target: string | undefined): void {
    if (target === undefined) return;
    // Of a relative target, too: a server may repeat the credentials and arguments of the request in it.
    const [place] = target.split(/[?#]/, 1);
    this.context.reportFailure(`it redirects to ${place} (HTTP ${status}); redirects are not followed`);
  }

  private prepareDecoder(codings: readonly string[]): void {
    if (codings.length === 0) return;
    if (isDecodable(codings)) this.decoder = new BodyDecoder(codings, this, this.rawBody);
    else this.unknownCodings = codings.join(', ');
  }

  private receive(chunk: Buffer): void {
    if (this.sse !== undefined) return this.parse(this.sse, chunk);
    if (this.unknownCodings !== undefined) return this.skipUndecodable(this.unknownCodings);
    this.received += chunk.length;
    if (this.received > this.context.limits.maxBodyBytes) this.fail('too_large');
    else this.chunks.push(chunk);
  }

  private skipUndecodable(codings: string): void {
    if (this.status < 300) this.fail('undecodable', `its content encoding is ${codings}`);
  }

  private endBody(): void {
    if (this.sse !== undefined) return this.endStream();
    this.finish();
    const bytes = concatenate(this.chunks);
    this.receiver.answered(this.answer(bytes), this.headers, bytes);
    this.releaseReferences();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.isDismissed) this.finish();
    if (this.isOver) return;
    if (this.sse !== undefined) return this.endStream();
    const code = errorCodeOf(error);
    if (this.repeat !== undefined && this.isRepeatable(code)) return this.repeatOnce(this.repeat);
    this.context.reportFailure(describeError(error));
    if (this.sent) this.fail(this.status > 0 ? 'cut' : 'lost', code);
    else this.fail(error instanceof AddressForbidden ? 'forbidden' : 'refused', code);
  }

  /** Without a byte of the answer, the server may have closed the idle connection before it read the request. */
  private isRepeatable(code: string): boolean {
    return this.sent && this.status === 0 && this.receiver.mayRepeat === true && CLOSED_CODES.has(code);
  }

  private repeatOnce(repeat: () => void): void {
    this.repeat = undefined;
    this.restart();
    repeat();
  }

  private fail(fault: TransportFault, detail?: string): void {
    const sent = this.sent;
    const sse = this.sse;
    if (!this.finish()) return;
    this.controller?.abort(ABORTED);
    if (sse !== undefined) this.receiver.streamEnded(sse, fault);
    else if (sent) this.receiver.failed(fault, detail);
    else if (fault === 'forbidden') this.receiver.failed(fault);
    else this.receiver.failed('refused', fault === 'timeout' ? 'no connection in time' : detail);
  }

  private finish(): boolean {
    if (this.isOver) return false;
    this.isOver = true;
    this.decoder?.destroy();
    this.removeTimeout();
    this.onOver();
    return true;
  }

  /** Pools and timers may reference a finished exchange for long; its receiver and body must be collectable. */
  private releaseReferences(): void {
    this.receiver = NO_RECEIVER;
    this.controller = undefined;
    this.decoder = undefined;
    this.headers = {};
    this.chunks = [];
  }

  private parse(sse: SseParser, chunk: Buffer): void {
    let events: SseEvent[];
    try {
      events = sse.push(chunk);
    } catch (error) {
      if (!(error instanceof SseOverflow)) throw error;
      return this.fail(error.fault);
    }
    if (this.undelivered !== undefined) this.undelivered.push(...events);
    else this.deliver(events);
  }

  private deliver(events: SseEvent[]): void {
    for (let index = 0; index < events.length; index++) {
      const event = events[index];
      if (this.isOver || this.isDismissed || event === undefined) return;
      const pressure = this.receiver.event(event);
      if (pressure === undefined) continue;
      this.undelivered = events.slice(index + 1);
      this.body.pause();
      const next = (): void => this.resumeDelivery();
      pressure.then(next, next);
      return;
    }
  }

  private resumeDelivery(): void {
    const events = this.undelivered ?? [];
    this.undelivered = undefined;
    this.deliver(events);
    if (this.isDismissed || this.undelivered !== undefined || this.isOver) return;
    if (this.hasStreamEnded) this.endStream();
    else this.body.resume();
  }

  /** What delivers the body to this exchange. */
  private get body(): FlowControl {
    return this.decoder ?? this.rawBody;
  }

  private get rawBody(): FlowControl {
    return { pause: () => this.controller?.pause(), resume: () => this.controller?.resume() };
  }

  private endStream(): void {
    if (this.undelivered !== undefined) {
      this.hasStreamEnded = true;
      return;
    }
    const sse = this.sse;
    if (sse !== undefined && this.finish()) this.receiver.streamEnded(sse);
  }

  /** Text that is not UTF-8 is not JSON, and may not be taken for an answer. */
  private text(bytes: Buffer): string {
    return this.status < 300 && !isUtf8(bytes) ? UNREADABLE : bytes.toString('utf8');
  }

  private answer(bytes: Buffer): HttpAnswer {
    return {
      status: this.status,
      statusText: this.statusText,
      body: this.text(bytes),
      contentType: firstHeaderValue(this.headers['content-type']),
      wwwAuthenticate: firstHeaderValue(this.headers['www-authenticate']),
      retryAfter: firstHeaderValue(this.headers['retry-after']),
    };
  }
}

const NO_RECEIVER: HttpReceiver = {
  answered: () => undefined,
  streaming: () => undefined,
  event: () => undefined,
  streamEnded: () => undefined,
  failed: () => undefined,
};

/** Returns the single value of a header, or the first of several. */
export function firstHeaderValue(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function concatenate(chunks: readonly Buffer[]): Buffer {
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
}

function isEventStream(contentType: string | string[] | undefined): boolean {
  const value = trimOptionalWhitespace(firstHeaderValue(contentType) ?? '');
  return value.toLowerCase().startsWith('text/event-stream');
}

/** Describes a failure for operators. The error for several addresses has no message of its own. */
function describeError(error: Error): string {
  const errors = error instanceof AggregateError && error.message === '' ? error.errors : [error];
  const [first] = errors.map((each) => (each instanceof Error ? each.message : String(each)));
  const { cause } = error;
  return `the connection failed: ${first ?? error.name}${cause instanceof Error ? ` (${cause.message})` : ''}`;
}

/** Returns the symbolic code of a failure. The error's message may contain addresses and is never shown. */
function errorCodeOf(error: Error): string {
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : error.name;
}
