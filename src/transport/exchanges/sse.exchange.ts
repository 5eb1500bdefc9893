import { Injectable, Logger } from '@nestjs/common';
import { failure, negotiateLegacy, RpcCode, SSE_REVISION, type JsonRpcRequest, type Outcome } from '#lib/mcp-protocol';
import { SessionRouter, type LocalSession } from '../../affinity/index.js';
import { DEFAULT_ENDPOINT, type Endpoint } from '../../catalog/index.js';
import { Dispatcher, Welcome } from '../../dispatch/index.js';
import type { StreamEvent, StreamSink } from '../../session-pool/index.js';
import { requireAccept } from '../http-request.js';
import type { Admitted } from '../admission.js';
import type { ReplyWriter } from '../reply-writer.js';
import { toJsonRpcMessage } from '../rpc-responses.js';
import { OpenReplies } from '../open-replies.js';
import { BadRequest } from '../transport.errors.js';
import type { Exchange } from './exchange.js';
import {
  isLegacyMethod,
  toClientProfile,
  toSessionInbound,
  sendAnswer,
  sendNotification,
  type ValidMessage,
} from './legacy-messages.js';
import { toLegacyResponseText, LegacyStream } from './legacy-replies.js';

const NEVER_ABORTED = new AbortController().signal;
/** What precedes an answer goes to the session's stream by itself. */
const NO_OP_SINK: StreamSink = { emit: () => undefined, end: () => undefined };

/** Has the owner of the stream take a message that was posted to another worker. */
export const SSE_MESSAGE = 'sse.message';

/**
 * HTTP+SSE: messages are POSTed, everything comes back on one stream (specification of November 2024:
 * basic/transports). The session lives as long as its stream.
 */
@Injectable()
export class SseExchange {
  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly endpointInfo: Welcome,
    private readonly router: SessionRouter,
    private readonly openReplies: OpenReplies,
  ) {}

  async openStream(exchange: Exchange): Promise<void> {
    const { caller, endpoint, headers, writer } = exchange;
    requireAccept(headers, 'text/event-stream');
    const client = { revision: SSE_REVISION, capabilities: {} };
    const session = this.router.open({ caller, endpoint: endpoint.id, client, transport: 'sse' });
    writer.onClosed(() => void session.end());
    writer.openStream();
    void writer.event(`${toMessagesPath(endpoint)}?sessionId=${session.id}`, undefined, 'endpoint');
    await session.openStream(new SseStream(writer, this.openReplies, session));
  }

  /** A POST: accepted once the owner has it; the answer comes on the stream. */
  async post(exchange: Exchange, sessionId: string | undefined, reading: ValidMessage): Promise<void> {
    if (!sessionId)
      throw new BadRequest('The query parameter sessionId is missing. Take the URL of the endpoint event.');
    const { caller, endpoint } = exchange;
    const session = await this.router.locate(sessionId, { caller, endpoint: endpoint.id, transport: 'sse' });
    if (session.location === 'here') await this.accept(exchange, session, reading);
    else await session.sendOrder(SSE_MESSAGE, { message: reading.message });
    exchange.writer.empty(202);
  }

  /** At the owner, whichever worker the message was posted to. Returns once it has it; throws where it does not. */
  async accept(admitted: Admitted, session: LocalSession, reading: ValidMessage): Promise<void> {
    if (reading.kind === 'request') this.answer(admitted, session, reading.message).catch(logLostAnswer);
    else if (reading.kind === 'notification') await sendNotification(session, reading.message);
    else await sendAnswer(session, reading.message);
  }

  private answer(exchange: Admitted, session: LocalSession, message: JsonRpcRequest): Promise<void> {
    const answer = () => this.outcomeOf(exchange, session, message);
    return session.answerOnStream(message.id, message.method, answer);
  }

  private outcomeOf(exchange: Admitted, session: LocalSession, message: JsonRpcRequest): Promise<Outcome> {
    if (message.method === 'initialize') return this.initialize(exchange, session, message);
    if (isLegacyMethod(message.method)) {
      return this.dispatcher.dispatch(toSessionInbound(exchange, session, message), NO_OP_SINK, NEVER_ABORTED);
    }
    const error = { code: RpcCode.methodNotFound, message: `Method not found: ${message.method}` };
    return Promise.resolve(failure(error));
  }

  private async initialize(exchange: Admitted, session: LocalSession, message: JsonRpcRequest): Promise<Outcome> {
    const { caller, endpoint } = exchange;
    const client = toClientProfile(message, negotiateLegacy(message.params?.['protocolVersion']));
    const outcome = await this.endpointInfo.initializeResult({ caller, endpoint, client });
    if (outcome.kind === 'result') await session.setClient(client);
    return outcome;
  }
}

/** The stream of HTTP+SSE names its events and knows no ids. It is there before its revision is agreed on. */
class SseStream extends LegacyStream {
  constructor(
    writer: ReplyWriter,
    keeper: OpenReplies,
    private readonly session: LocalSession,
  ) {
    super(writer, keeper, session.client.revision);
  }

  override emit(event: StreamEvent): void | Promise<void> {
    if (event.kind === 'opened' || event.kind === 'interrupted') return undefined;
    if (event.kind !== 'answer') return this.writer.event(JSON.stringify(toJsonRpcMessage(event)));
    const { id, method, outcome } = event;
    return this.writer.event(toLegacyResponseText(id, method, outcome, this.session.client.revision));
  }

  /** The answers to calls in flight are still to come on this stream. */
  override onDrain(): void {
    void this.session.whenAnswered().then(() => this.end());
  }
}

/** The dispatcher turns every failure into an outcome; what arrives here is a defect and must not go unseen. */
function logLostAnswer(cause: unknown): void {
  new Logger(SseExchange.name).error('An answer was lost', cause instanceof Error ? cause.stack : String(cause));
}

function toMessagesPath({ id }: Endpoint): string {
  return id === DEFAULT_ENDPOINT ? '/messages' : `/servers/${id}/messages`;
}
