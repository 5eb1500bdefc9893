import { Injectable, Logger } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { failure, negotiateLegacy, RpcCode, SSE_REVISION, type JsonRpcRequest, type Outcome } from '#lib/mcp-protocol';
import { SessionRouter, type LocalSession } from '../../affinity/index.js';
import { DEFAULT_ENDPOINT, type Endpoint } from '../../catalog/index.js';
import { ClientNotifications, EndpointInfo } from '../../dispatch/index.js';
import type { RequestSource } from '../../client-address/index.js';
import type { StreamEvent, StreamSink } from '../../session-pool/index.js';
import { GatewayConfig } from '../../gateway.config.js';
import { requireAccept } from '../http-request.js';
import type { Admitted } from '../admission.js';
import type { ReplyWriter } from '../reply-writer.js';
import { RefusalRecorder } from '../refusal-recorder.js';
import { toJsonRpcMessage } from '../rpc-responses.js';
import { OpenReplies } from '../open-replies.js';
import { StreamExpiry } from '../stream-expiry.js';
import { BadRequest } from '../transport.errors.js';
import { RequestRecords } from '../request-records.js';
import type { TrackedCall } from '../../telemetry/index.js';
import type { Exchange, Received } from './exchange.js';
import {
  isLegacyMethod,
  refuseDeclarations,
  toClientProfile,
  toSessionInbound,
  sendAnswer,
  toNotification,
  type ValidMessage,
} from './legacy-messages.js';
import { toLegacyOutcome, toLegacyResponseText, LegacyStream } from './legacy-replies.js';

const NEVER_ABORTED = new AbortController().signal;
/** Discards messages: the session itself sends messages before an outcome to its stream. */
const NO_OP_SINK: StreamSink = { emit: () => undefined, end: () => undefined };

/** Pattern of the order that forwards a posted message to the owner of the stream. */
export const SSE_MESSAGE = 'sse.message';

/**
 * HTTP+SSE: the client posts messages and receives every answer on one stream (specification of November 2024:
 * basic/transports). The session ends with its stream.
 */
@Injectable()
export class SseExchange {
  constructor(
    private readonly dispatcher: RefusalRecorder,
    private readonly endpointInfo: EndpointInfo,
    private readonly router: SessionRouter,
    private readonly openReplies: OpenReplies,
    private readonly streamExpiry: StreamExpiry,
    private readonly notifications: ClientNotifications,
    private readonly records: RequestRecords,
    private readonly gateway: GatewayConfig,
  ) {}

  async openStream(exchange: Exchange): Promise<void> {
    const { caller, endpoint, headers, writer } = exchange;
    requireAccept(headers, 'text/event-stream');
    const client = { revision: SSE_REVISION, capabilities: {} };
    const session = this.router.open({ caller, endpoint: endpoint.id, client, transport: 'sse' });
    writer.onClosed(() => void session.end());
    writer.onClosed(this.streamExpiry.onExpired(caller, () => session.retire()));
    writer.openStream();
    void writer.event(
      `${this.gateway.publicPath}${toMessagesPath(endpoint)}?sessionId=${session.id}`,
      undefined,
      'endpoint',
    );
    await session.openStream(new SseStream(writer, this.openReplies, session));
  }

  /** A POST: accepted once the owner has received the message. The answer is sent on the stream. */
  async post(exchange: Exchange, sessionId: string | undefined, reading: ValidMessage): Promise<void> {
    if (!sessionId)
      throw new BadRequest('The query parameter sessionId is missing. Use the URL from the endpoint event.');
    const { caller, endpoint } = exchange;
    const session = await this.router.locate(sessionId, { caller, endpoint: endpoint.id, transport: 'sse' });
    if (session.location === 'local') await this.accept(exchange, session, reading);
    else await session.sendOrder(SSE_MESSAGE, toOrder(exchange, reading.message));
    exchange.writer.empty(202);
  }

  /** Runs at the owner for messages posted to any worker. Resolves once the message is accepted, and throws when it is not. */
  async accept(admitted: Received, session: LocalSession, reading: ValidMessage): Promise<void> {
    const isHandshake = reading.kind === 'request' && reading.message.method === 'initialize';
    if (!isHandshake) await this.completeHandshake(session);
    if (reading.kind === 'request') this.answer(admitted, session, reading.message).catch(logLostAnswer);
    else if (reading.kind === 'notification')
      await this.notifications.forward(admitted, session, toNotification(reading.message));
    else await sendAnswer(session, reading.message);
  }

  /** What the client sends during its handshake waits until the connection stands to which it belongs. */
  private async completeHandshake(session: LocalSession): Promise<void> {
    await session.whenConnected();
    session.markInitialized();
  }

  private answer(exchange: Received, session: LocalSession, message: JsonRpcRequest): Promise<void> {
    const answer = () => this.outcomeOf(exchange, session, message);
    return session.answerOnStream(message.id, message.method, answer);
  }

  /** The record of a request describes the POST: the answer is sent on a stream that other answers share. */
  private async outcomeOf(exchange: Received, session: LocalSession, message: JsonRpcRequest): Promise<Outcome> {
    const { revision } = session.client;
    const record = this.records.begin(exchange, message, {
      transport: 'sse',
      revision,
      session: session.id,
    });
    const outcome = await this.run(exchange, session, message, record);
    record.end(toLegacyOutcome(message.method, outcome, revision), { httpStatus: 202 });
    return outcome;
  }

  private run(
    exchange: Received,
    session: LocalSession,
    message: JsonRpcRequest,
    record: TrackedCall,
  ): Promise<Outcome> {
    if (message.method === 'initialize') return this.initialize(exchange, session, message, record);
    if (isLegacyMethod(message.method)) {
      const inbound = toSessionInbound(exchange, session, message, record);
      return this.dispatcher.dispatch(exchange.source, inbound, NO_OP_SINK, NEVER_ABORTED);
    }
    const error = { code: RpcCode.methodNotFound, message: `Method not found: ${message.method}` };
    return Promise.resolve(failure(error));
  }

  private async initialize(
    exchange: Admitted,
    session: LocalSession,
    message: JsonRpcRequest,
    record: TrackedCall,
  ): Promise<Outcome> {
    const { caller, endpoint } = exchange;
    const client = toClientProfile(message, negotiateLegacy(message.params?.['protocolVersion']));
    const refusal = refuseDeclarations(client);
    if (refusal) return refusal;
    try {
      session.setClient(client);
    } catch (cause) {
      if (cause instanceof GatewayError) return cause.toOutcome();
      throw cause;
    }
    return this.endpointInfo.initializeResult({ caller, endpoint, client, record }, session, message.id);
  }
}

/** The HTTP+SSE stream has named events without ids. It opens before the revision is negotiated. */
class SseStream extends LegacyStream {
  constructor(
    writer: ReplyWriter,
    openReplies: OpenReplies,
    private readonly session: LocalSession,
  ) {
    super(writer, openReplies, session.client.revision);
  }

  override emit(event: StreamEvent): void | Promise<void> {
    if (event.kind === 'opened' || event.kind === 'interrupted') return undefined;
    if (event.kind !== 'answer') return this.writer.event(JSON.stringify(toJsonRpcMessage(event)));
    const { id, method, outcome } = event;
    return this.writer.event(toLegacyResponseText(id, method, outcome, this.session.client.revision));
  }

  /** In-flight calls are answered on this stream before it ends. */
  override onDrain(): void {
    void this.session.whenAnswered().then(() => this.end());
  }
}

/** The dispatcher converts every failure to an outcome, so an exception here is a defect and is logged. */
function logLostAnswer(cause: unknown): void {
  new Logger(SseExchange.name).error('Failed to send an answer', cause instanceof Error ? cause.stack : String(cause));
}

/** The order that forwards a message, beside what identifies its session. */
const toOrder = ({ source, arrival: { traceparent } }: Exchange, message: ValidMessage['message']) => ({
  message,
  source: toPlainSource(source),
  ...(traceparent !== undefined && { traceparent }),
});

/** The source of a request as a part of an order. */
const toPlainSource = ({ method, path, address }: RequestSource) => ({
  method,
  path,
  ...(address !== undefined && { address }),
});

function toMessagesPath({ id }: Endpoint): string {
  return id === DEFAULT_ENDPOINT ? '/messages' : `/servers/${id}/messages`;
}
