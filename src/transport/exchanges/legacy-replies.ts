import {
  encodeLegacyResult,
  GatewayCode,
  UntranslatableResult,
  type JsonRpcRequest,
  type Outcome,
  type RequestId,
} from '#lib/mcp-protocol';
import type { StreamEvent, StreamSink } from '../../session-pool/index.js';
import type { TrackedCall } from '../../telemetry/index.js';
import type { ReplyWriter } from '../reply-writer.js';
import { toCallAnswer } from '../request-records.js';
import { toResponseText, withRetryAfter, toJsonRpcMessage } from '../rpc-responses.js';
import type { OpenReply, OpenReplies } from '../open-replies.js';

/** From this revision on, a stream begins with an empty event with an id, from which it can resume (basic/transports, SEP-1699). */
const RESUMABLE_SINCE = '2025-11-25';

/** The JSON-RPC response for an outcome, encoded for a legacy revision. */
export const toLegacyResponseText = (id: RequestId, method: string, outcome: Outcome, revision: string): string =>
  toResponseText(id, toLegacyOutcome(method, outcome, revision));

/** The outcome as the client receives it. A result that its revision cannot express becomes an error. */
export function toLegacyOutcome(method: string, outcome: Outcome, revision: string): Outcome {
  if (outcome.kind === 'error') return outcome;
  try {
    const encoded = encodeLegacyResult(method, outcome.result, revision);
    return encoded === outcome.result ? outcome : { ...outcome, result: encoded };
  } catch (cause) {
    if (!(cause instanceof UntranslatableResult)) throw cause;
    const data = { outcome: 'executed', retriable: false } as const;
    return { kind: 'error', error: { code: GatewayCode.upstreamBrokeProtocol, message: cause.message, data } };
  }
}

/** 200 for every dispatched call, also when it failed. A call that was rejected before dispatch has the status of its error. */
const toStatus = (outcome: Outcome): number =>
  outcome.kind === 'error' && outcome.refused ? (outcome.httpStatus ?? 503) : 200;

/** Writes the events of a session's stream, encoded for its revision. */
export class LegacyStream implements StreamSink, OpenReply {
  slot: OpenReply['slot'];

  constructor(
    protected readonly writer: ReplyWriter,
    protected readonly openReplies: OpenReplies,
    protected readonly revision: string,
  ) {
    openReplies.add(this);
    writer.onClosed(() => openReplies.remove(this));
  }

  emit(event: StreamEvent): void | Promise<void> {
    // A client that accepts JSON only misses what precedes the outcome, except a question: its call waits for the answer.
    if (this.mustStayJson && event.kind !== 'question') return undefined;
    this.writer.openStream();
    if (event.kind === 'answer') {
      return this.writer.event(
        toLegacyResponseText(event.id, event.method, event.outcome, this.revision),
        event.eventId,
      );
    }
    if (event.kind === 'opened') return this.prime(event.eventId, event.retryMs);
    if (event.kind === 'interrupted') return this.canResume ? this.writer.end() : undefined;
    return this.writer.event(JSON.stringify(toJsonRpcMessage(event)), event.eventId);
  }

  private get mustStayJson(): boolean {
    return !this.writer.acceptsStream && !this.writer.isStreaming;
  }

  private get canResume(): boolean {
    return this.revision >= RESUMABLE_SINCE;
  }

  private prime(eventId: string | undefined, retryMs: number | undefined): void | Promise<void> {
    if (!this.canResume || eventId === undefined) return undefined;
    return this.writer.event('', eventId, undefined, retryMs);
  }

  end(): void {
    if (this.mustStayJson) return this.writer.abort();
    // The response headers may not have been sent yet, and a response without headers would be invalid.
    this.writer.openStream();
    this.writer.end();
  }

  keepAlive(): void {
    if (this.mustStayJson) return;
    this.writer.openStream();
    this.writer.comment();
  }

  /** Does nothing: the stream awaits an answer of a server, and only the shutdown timeout limits that. */
  onDrain(): void {
    // The stream ends with the answer.
  }
}

/** Answers a GET: the stream without a request, or the rest of an interrupted stream. */
export class LegacyGetStream extends LegacyStream {
  isServerStream = false;

  override onDrain(): void {
    if (this.isServerStream) this.end();
  }

  /**
   * Ends the server stream, so that the client opens it again with a valid token. The rest of a call's stream stays until its
   * answer: the call was admitted.
   */
  onTokenExpired(): void {
    if (this.isServerStream) this.end();
  }
}

/** Answers one request: with JSON when the outcome is the only message, with an event stream otherwise. */
export class LegacyReply extends LegacyStream {
  constructor(
    writer: ReplyWriter,
    openReplies: OpenReplies,
    revision: string,
    private readonly id: RequestId,
    private readonly method: string,
    private readonly record: TrackedCall,
  ) {
    super(writer, openReplies, revision);
  }

  finish(outcome: Outcome): void {
    this.openReplies.remove(this);
    const answered = toLegacyOutcome(this.method, outcome, this.revision);
    if (this.expectsNoAnswer(outcome)) {
      const ended = toCallAnswer(this.writer, 200, '');
      this.end();
      return this.record.end(answered, ended);
    }
    const text = toResponseText(this.id, answered);
    const status = toStatus(outcome);
    const answer = toCallAnswer(this.writer, status, text);
    this.write(outcome, status, text);
    this.record.end(answered, answer);
  }

  /**
   * True for a cancelled request whose stream may end without an answer. A client that has an event id would resume the
   * stream, and a client that accepts JSON only needs a body (ADR 52).
   */
  private expectsNoAnswer(outcome: Outcome): boolean {
    return (
      outcome.kind === 'error' &&
      outcome.cancelled === true &&
      outcome.eventId === undefined &&
      this.writer.acceptsStream
    );
  }

  private write(outcome: Outcome, status: number, text: string): void {
    if (!this.writer.isStreaming) return withRetryAfter(this.writer, outcome, status).json(status, text);
    void this.writer.event(text, outcome.eventId);
    return this.writer.end();
  }
}

/** Answers a batch: with one array, or with one event for each response once another message was sent. */
export class LegacyBatchReply extends LegacyStream {
  private readonly texts: string[] = [];
  private status = 200;
  /** The outcome with the status of the batch, if that is not 200. */
  private refusal: Outcome | undefined;

  add({ id, method }: JsonRpcRequest, outcome: Outcome, record: TrackedCall): void {
    const status = toStatus(outcome);
    if (status > this.status) [this.status, this.refusal] = [status, outcome];
    const answered = toLegacyOutcome(method, outcome, this.revision);
    const text = toResponseText(id, answered);
    const answer = toCallAnswer(this.writer, status, text);
    this.addText(text);
    record.end(answered, answer);
  }

  /** Adds the response to a message of the batch that is no request. */
  addText(text: string): void {
    if (this.writer.isStreaming) void this.writer.event(text);
    else this.texts.push(text);
  }

  finish(): void {
    this.openReplies.remove(this);
    if (!this.writer.isStreaming) {
      const writer = this.refusal ? withRetryAfter(this.writer, this.refusal, this.status) : this.writer;
      return writer.json(this.status, `[${this.texts.join(',')}]`);
    }
    for (const text of this.texts) void this.writer.event(text);
    return this.writer.end();
  }
}
