import { Injectable } from '@nestjs/common';
import {
  checkMirroredHeaders,
  checkNotificationHeaders,
  decodeModernNotification,
  decodeModernRequest,
  encodeModernResult,
  failure,
  META,
  metaOf,
  modernStatusOf,
  RpcCode,
  type JsonObject,
  type JsonRpcNotification,
  type JsonRpcRequest,
  type Outcome,
  type RequestId,
} from '#lib/mcp-protocol';
import { ClientNotifications, type Inbound } from '../../dispatch/index.js';
import type { StreamEvent, StreamSink } from '../../session-pool/index.js';
import { RefusalRecorder } from '../refusal-recorder.js';
import type { ReplyWriter } from '../reply-writer.js';
import { toRefusalText, toResponseText, withRetryAfter, toJsonRpcMessage } from '../rpc-responses.js';
import { OpenReplies, type OpenReply } from '../open-replies.js';
import { StreamExpiry } from '../stream-expiry.js';
import { RequestRecords, toCallAnswer } from '../request-records.js';
import type { TrackedCall } from '../../telemetry/index.js';
import { singleHeader, type Exchange } from './exchange.js';

/** Legacy methods that were removed in the modern era (specification 2026: changelog). */
const REMOVED_METHODS = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
]);

const LISTEN_METHOD = 'subscriptions/listen';

/** Stateless streamable HTTP: revision 2026-07-28 (specification: basic/transports/streamable-http). */
@Injectable()
export class ModernExchange {
  constructor(
    private readonly dispatcher: RefusalRecorder,
    private readonly openReplies: OpenReplies,
    private readonly streamExpiry: StreamExpiry,
    private readonly records: RequestRecords,
    private readonly notifications: ClientNotifications,
  ) {}

  /** Most notifications have no meaning over HTTP, but the specification requires that they are accepted. */
  async notify({ caller, endpoint, headers, writer }: Exchange, message: JsonRpcNotification): Promise<void> {
    const refused = checkNotificationHeaders(message, headers);
    const decoded = refused ? { error: refused } : decodeModernNotification(message);
    if ('error' in decoded) return writer.json(400, toRefusalText(decoded.error));
    const { client, notification } = decoded;
    await this.notifications.forwardWithoutSession({ caller, endpoint, client }, notification, writer.closeSignal());
    writer.empty(202);
  }

  async post(exchange: Exchange, message: JsonRpcRequest): Promise<void> {
    const revision = singleHeader(exchange.headers, 'mcp-protocol-version');
    const record = this.records.begin(exchange, message, { transport: 'mcp', revision });
    const reply = new ModernReply(exchange.writer, this.openReplies, message, record);
    const refused = checkMirroredHeaders(message, exchange.headers);
    if (refused) return reply.finish(failure(refused));
    const decoded = decodeModernRequest(message);
    if ('error' in decoded) return reply.finish(failure(decoded.error), 400);
    if (REMOVED_METHODS.has(message.method)) return reply.finish(failure(methodRemoved(message.method)));
    const { caller, endpoint, headers: mirrored } = exchange;
    const requestId = message.id;
    if (message.method === LISTEN_METHOD && !exchange.writer.acceptsStream) return reply.finish(NEEDS_STREAM, 406);
    if (message.method === LISTEN_METHOD)
      exchange.writer.onClosed(this.streamExpiry.onExpired(caller, () => reply.endSubscription()));
    const inbound: Inbound = { caller, endpoint, ...decoded, requestId, mirrored, clientRepeatsCall: true, record };
    const outcome = await this.dispatcher.dispatch(exchange.source, inbound, reply, reply.signal);
    return reply.finish(outcome);
  }
}

const NEEDS_STREAM = failure({
  code: RpcCode.invalidRequest,
  message: 'Accept must list text/event-stream for a subscription.',
});

const methodRemoved = (method: string) => ({ code: RpcCode.methodNotFound, message: `Method not found: ${method}` });

/** Answers one request: with JSON when the outcome is the only message, with an event stream otherwise. */
class ModernReply implements StreamSink, OpenReply {
  slot: OpenReply['slot'];
  private readonly cancellation = new AbortController();
  private isFinished = false;
  private readonly id: RequestId;
  private readonly method: string;

  constructor(
    private readonly writer: ReplyWriter,
    private readonly openReplies: OpenReplies,
    message: JsonRpcRequest,
    private readonly record: TrackedCall,
  ) {
    this.id = message.id;
    this.method = message.method;
    openReplies.add(this);
    // A modern client cancels its request by closing the response (basic/patterns/cancellation).
    writer.onClosed(() => {
      openReplies.remove(this);
      if (!this.isFinished) this.cancellation.abort();
    });
  }

  get signal(): AbortSignal {
    return this.cancellation.signal;
  }

  emit(event: StreamEvent): void | Promise<void> {
    const message = event.kind === 'answer' || event.kind === 'question' ? undefined : toJsonRpcMessage(event);
    // A client that accepts JSON only misses what precedes the outcome.
    if (!message || !this.writer.acceptsStream) return undefined;
    this.writer.openStream();
    return this.writer.event(
      JSON.stringify(this.method === LISTEN_METHOD ? this.withSubscriptionParams(message) : message),
    );
  }

  finish(outcome: Outcome, status?: number): void {
    this.isFinished = true;
    this.openReplies.remove(this);
    const text = toResponseText(this.id, this.encode(outcome));
    const known = status ?? (outcome.kind === 'error' ? modernStatusOf(outcome.error) : 200);
    const answer = toCallAnswer(this.writer, known, text);
    this.write(outcome, known, text);
    this.record.end(outcome, answer);
  }

  private write(outcome: Outcome, status: number, text: string): void {
    if (!this.writer.isStreaming) return withRetryAfter(this.writer, outcome, status).json(status, text);
    void this.writer.event(text);
    return this.writer.end();
  }

  end(): void {
    this.writer.end();
  }

  keepAlive(): void {
    if (!this.writer.acceptsStream) return;
    this.writer.openStream();
    this.writer.comment();
  }

  /** Ends a subscription gracefully with its result. An in-flight call finishes. */
  onDrain(): void {
    if (this.method === LISTEN_METHOD) this.endSubscription();
  }

  endSubscription(): void {
    this.cancellation.abort();
  }

  private encode(outcome: Outcome): Outcome {
    if (outcome.kind === 'error') return outcome;
    const encoded = encodeModernResult(this.method, outcome.result);
    return { kind: 'result', result: this.method === LISTEN_METHOD ? this.withSubscription(encoded) : encoded };
  }

  /** Adds the subscription id, which is the id of its request, to a message (basic/patterns/subscriptions). */
  private withSubscriptionParams(message: JsonObject): JsonObject {
    const params = message['params'] as JsonObject;
    return { ...message, params: this.withSubscription(params) };
  }

  private withSubscription(holder: JsonObject): JsonObject {
    return { ...holder, _meta: { ...metaOf(holder), [META.subscriptionId]: this.id } };
  }
}
