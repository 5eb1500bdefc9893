import { Injectable } from '@nestjs/common';
import {
  checkMirroredHeaders,
  decodeModernRequest,
  encodeModernResult,
  failure,
  META,
  metaOf,
  modernStatusOf,
  RpcCode,
  type JsonObject,
  type JsonRpcRequest,
  type Outcome,
  type RequestId,
} from '#lib/mcp-protocol';
import { Dispatcher, type Inbound } from '../../dispatch/index.js';
import type { StreamEvent, StreamSink } from '../../session-pool/index.js';
import type { ReplyWriter } from '../reply-writer.js';
import { answerText, headed, messageOf } from '../rpc-answers.js';
import { StreamKeeper, type OpenReply } from '../stream-keeper.js';
import type { Exchange } from './exchange.js';

/** Legacy methods that were removed in the modern era (specification 2026: changelog). */
const REMOVED = new Set(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']);

const LISTEN = 'subscriptions/listen';

/** Stateless streamable HTTP: revision 2026-07-28 (specification: basic/transports/streamable-http). */
@Injectable()
export class ModernExchange {
  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly keeper: StreamKeeper,
  ) {}

  async post(exchange: Exchange, message: JsonRpcRequest): Promise<void> {
    const reply = new ModernReply(exchange.writer, this.keeper, message);
    const refused = checkMirroredHeaders(message, exchange.headers);
    if (refused) return reply.finish(failure(refused));
    const decoded = decodeModernRequest(message);
    if ('error' in decoded) return reply.finish(failure(decoded.error), 400);
    if (REMOVED.has(message.method)) return reply.finish(failure(noLonger(message.method)));
    const { caller, endpoint, headers: mirrored } = exchange;
    const requestId = message.id;
    const inbound: Inbound = { caller, endpoint, ...decoded, requestId, mirrored, repeatsItself: true };
    const outcome = await this.dispatcher.dispatch(inbound, reply, reply.signal);
    return reply.finish(outcome);
  }
}

const noLonger = (method: string) => ({ code: RpcCode.methodNotFound, message: `Method not found: ${method}` });

/** Answers one request: with JSON when the outcome is the only message, with an event stream otherwise. */
class ModernReply implements StreamSink, OpenReply {
  kept: OpenReply['kept'];
  private readonly leaving = new AbortController();
  private finished = false;
  private readonly id: RequestId;
  private readonly method: string;

  constructor(
    private readonly writer: ReplyWriter,
    private readonly keeper: StreamKeeper,
    message: JsonRpcRequest,
  ) {
    this.id = message.id;
    this.method = message.method;
    keeper.add(this);
    // A modern client cancels its request by closing the response (basic/patterns/cancellation).
    writer.onClosed(() => {
      keeper.remove(this);
      if (!this.finished) this.leaving.abort();
    });
  }

  get signal(): AbortSignal {
    return this.leaving.signal;
  }

  emit(event: StreamEvent): void | Promise<void> {
    const message = event.kind === 'answer' || event.kind === 'question' ? undefined : messageOf(event);
    if (!message) return undefined;
    this.writer.openStream();
    return this.writer.event(JSON.stringify(this.method === LISTEN ? this.subscribed(message) : message));
  }

  finish(outcome: Outcome, status?: number): void {
    this.finished = true;
    this.keeper.remove(this);
    const text = answerText(this.id, this.encoded(outcome));
    if (!this.writer.streaming) {
      return headed(this.writer, outcome).json(
        status ?? (outcome.kind === 'error' ? modernStatusOf(outcome.error) : 200),
        text,
      );
    }
    void this.writer.event(text);
    return this.writer.end();
  }

  end(): void {
    this.writer.end();
  }

  keepAlive(): void {
    this.writer.openStream();
    this.writer.comment();
  }

  /** Ends a subscription gracefully with its result. An in-flight call finishes. */
  leave(): void {
    if (this.method === LISTEN) this.leaving.abort();
  }

  private encoded(outcome: Outcome): Outcome {
    if (outcome.kind === 'error') return outcome;
    const encoded = encodeModernResult(this.method, outcome.result);
    return { kind: 'result', result: this.method === LISTEN ? this.withSubscription(encoded) : encoded };
  }

  /** Adds the subscription id, which is the id of its request, to a message (basic/patterns/subscriptions). */
  private subscribed(message: JsonObject): JsonObject {
    const params = message['params'] as JsonObject;
    return { ...message, params: this.withSubscription(params) };
  }

  private withSubscription(holder: JsonObject): JsonObject {
    return { ...holder, _meta: { ...metaOf(holder), [META.subscriptionId]: this.id } };
  }
}
