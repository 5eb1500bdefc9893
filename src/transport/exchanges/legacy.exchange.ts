import { Injectable, Logger } from '@nestjs/common';
import { GatewayError, OutcomeError } from '#lib/extension-kit';
import {
  allowsBatches,
  eraOfRevision,
  failure,
  negotiateLegacy,
  RpcCode,
  toUnsupportedRevisionText,
  type ClientProfile,
  type JsonRpcRequest,
  type JsonValue,
  type MessageReading,
  type Outcome,
  type RequestId,
} from '#lib/mcp-protocol';
import { OrphanedStreams, SessionRouter, SessionUnknown, type SessionHandle } from '../../affinity/index.js';
import { ClientNotifications, EndpointInfo } from '../../dispatch/index.js';
import { requireAccept } from '../http-request.js';
import { OpenReplies } from '../open-replies.js';
import { toRefusalText } from '../rpc-responses.js';
import { StreamExpiry } from '../stream-expiry.js';
import type { TrackedCall } from '../../telemetry/index.js';
import { RefusalRecorder } from '../refusal-recorder.js';
import { RequestRecords, toCallAnswer, type RecordedClient } from '../request-records.js';
import { TransportConfig } from '../transport.config.js';
import { BadRequest } from '../transport.errors.js';
import { singleHeader, type Exchange } from './exchange.js';
import {
  isLegacyMethod,
  refuseDeclarations,
  toClientProfile,
  toSessionInbound,
  sendAnswer,
  toNotification,
  readClientMessage,
  type ValidMessage,
} from './legacy-messages.js';
import { LegacyBatchReply, LegacyGetStream, LegacyReply, type LegacyStream } from './legacy-replies.js';

const SESSION_HEADER = 'mcp-session-id';
const NEVER_ABORTED = new AbortController().signal;

/** Streamable HTTP with sessions: revisions 2025-03-26 to 2025-11-25 (specification: basic/transports). */
@Injectable()
export class LegacyExchange {
  constructor(
    private readonly dispatcher: RefusalRecorder,
    private readonly endpointInfo: EndpointInfo,
    private readonly router: SessionRouter,
    private readonly orphanedStreams: OrphanedStreams,
    private readonly openReplies: OpenReplies,
    private readonly streamExpiry: StreamExpiry,
    private readonly config: TransportConfig,
    private readonly notifications: ClientNotifications,
    private readonly records: RequestRecords,
  ) {}

  /** A POST with one message. */
  async post(exchange: Exchange, reading: ValidMessage): Promise<void> {
    if (reading.kind === 'request' && reading.message.method === 'initialize') {
      return this.initialize(exchange, reading.message);
    }
    const session = await this.locateSession(exchange);
    if (reading.kind === 'request') return this.answer(exchange, session, reading.message);
    await this.sendToSession(exchange, session, reading);
    return exchange.writer.empty(202);
  }

  /** A POST with several messages, for the revision that supports batches. */
  async postBatch(exchange: Exchange, values: readonly JsonValue[]): Promise<void> {
    const session = await this.locateSession(exchange);
    const { revision } = session.client;
    if (!allowsBatches(revision))
      throw new BadRequest(`Revision ${revision} does not support batches. Send one message per request.`);
    if (values.length === 0) throw new BadRequest('The batch is empty.');
    if (values.length > this.config.maxBatch)
      throw new BadRequest(`A batch holds at most ${this.config.maxBatch} messages.`);
    const readings = values.map(readClientMessage);
    const valid = readings.filter((reading) => reading.kind !== 'invalid');
    // How many bytes of the body belong to which member is unknown.
    const member = { ...exchange, arrival: { ...exchange.arrival, bytesIn: undefined } };
    const refuse = (reading: InvalidReading): string => this.refuseMember(member, session, reading);
    if (valid.length === 0) return exchange.writer.json(400, `[${readings.filter(isInvalid).map(refuse).join(',')}]`);
    if (valid.length === readings.length && !valid.some(({ kind }) => kind === 'request')) {
      for (const reading of valid) await this.sendToSession(exchange, session, reading);
      return exchange.writer.empty(202);
    }
    const reply = new LegacyBatchReply(exchange.writer, this.openReplies, revision);
    const pending = readings.map(async (reading) => {
      if (reading.kind === 'invalid') return reply.addText(refuse(reading));
      if (reading.kind !== 'request') return this.sendToSession(exchange, session, reading).catch(logUndelivered);
      const record = this.beginRecord(member, session, reading.message);
      const outcome = await this.outcomeOf(exchange, session, reading.message, reply, record);
      return reply.add(reading.message, outcome, record);
    });
    await Promise.all(pending);
    return reply.finish();
  }

  /** A GET: opens the stream without a request, or resumes a stream that was interrupted. */
  async openStream(exchange: Exchange): Promise<void> {
    const { headers, writer } = exchange;
    requireAccept(headers, 'text/event-stream');
    const lastEventId = singleHeader(headers, 'last-event-id');
    const session = await this.findOrReplay(exchange, lastEventId);
    if (!session) return;
    const stream = new LegacyGetStream(writer, this.openReplies, session.client.revision);
    const opened = await session.openStream(stream, lastEventId);
    stream.isServerStream = opened.isServerStream;
    writer.openStream();
    writer.onClosed(() => opened.detach());
    writer.onClosed(this.streamExpiry.onExpired(exchange.caller, () => stream.onTokenExpired()));
  }

  /** Returns the session. When its owner is dead, replays the archived rest of the stream instead and returns undefined. */
  private async findOrReplay(exchange: Exchange, lastEventId: string | undefined): Promise<SessionHandle | undefined> {
    try {
      return await this.locateSession(exchange);
    } catch (cause) {
      if (lastEventId === undefined || !(cause instanceof SessionUnknown)) throw cause;
      const { id, binding } = readSessionReference(exchange);
      const { revision, events } = await this.orphanedStreams.replay(id, binding, lastEventId);
      const stream = new LegacyGetStream(exchange.writer, this.openReplies, revision);
      for (const event of events) void stream.emit(event);
      stream.end();
      return undefined;
    }
  }

  /** A DELETE: ends the session. */
  async end(exchange: Exchange): Promise<void> {
    await (await this.locateSession(exchange)).end();
    exchange.writer.empty(204);
  }

  private async initialize(exchange: Exchange, message: JsonRpcRequest): Promise<void> {
    const revision = negotiateLegacy(message.params?.['protocolVersion']);
    const client = toClientProfile(message, revision);
    const record = this.records.begin(exchange, message, { transport: 'mcp', revision });
    const refusal = refuseDeclarations(client);
    const { outcome, headers } = refusal
      ? { outcome: refusal, headers: {} }
      : await this.openSession(exchange, client, message.id, record);
    const writer = exchange.writer.withHeaders(headers);
    const reply = new LegacyReply(writer, this.openReplies, revision, message.id, message.method, record);
    reply.finish(outcome);
  }

  private async openSession(
    exchange: Exchange,
    client: ClientProfile,
    requestId: RequestId,
    record: TrackedCall,
  ): Promise<{ readonly outcome: Outcome; readonly headers: Record<string, string> }> {
    const { caller, endpoint, writer } = exchange;
    const session = this.router.open({ caller, client, endpoint: endpoint.id, transport: 'http' });
    const outcome = await this.endpointInfo.initializeResult({ caller, endpoint, client, record }, session, requestId);
    // A client that disconnected meanwhile needs no session.
    if (outcome.kind === 'result' && !writer.isClosed) return { outcome, headers: { [SESSION_HEADER]: session.id } };
    await session.end();
    return { outcome, headers: {} };
  }

  private async answer(exchange: Exchange, session: SessionHandle, message: JsonRpcRequest): Promise<void> {
    const record = this.beginRecord(exchange, session, message);
    const reply = new LegacyReply(
      exchange.writer,
      this.openReplies,
      session.client.revision,
      message.id,
      message.method,
      record,
    );
    reply.finish(await this.outcomeOf(exchange, session, message, reply, record));
  }

  private beginRecord(exchange: Exchange, session: SessionHandle, message: JsonRpcRequest): TrackedCall {
    return this.records.begin(exchange, message, toRecordedClient(session));
  }

  /** Records a malformed member of a batch, and returns the error that answers it. */
  private refuseMember(exchange: Exchange, session: SessionHandle, { error, id }: InvalidReading): string {
    const text = toRefusalText(error, id);
    this.records.recordMalformed(exchange, toRecordedClient(session), error, toCallAnswer(exchange.writer, 400, text));
    return text;
  }

  /** A disconnect cancels nothing in this era: the call continues, and its events can be replayed (invariant 3). */
  private outcomeOf(
    exchange: Exchange,
    session: SessionHandle,
    message: JsonRpcRequest,
    reply: LegacyStream,
    record: TrackedCall,
  ): Promise<Outcome> {
    if (!isLegacyMethod(message.method) || message.method === 'initialize')
      return Promise.resolve(unknownMethod(message));
    return this.dispatcher.dispatch(
      exchange.source,
      toSessionInbound(exchange, session, message, record),
      reply,
      NEVER_ABORTED,
    );
  }

  private sendToSession(exchange: Exchange, session: SessionHandle, reading: ValidMessage): Promise<void> {
    if (reading.kind === 'notification')
      return this.notifications.forward(exchange, session, toNotification(reading.message));
    if (reading.kind === 'response') return sendAnswer(session, reading.message);
    return Promise.resolve();
  }

  /** Throws or rejects with the errors of `SessionRouter.locate`. */
  private locateSession(exchange: Exchange): SessionHandle | Promise<SessionHandle> {
    const { id, binding } = readSessionReference(exchange);
    return this.router.locate(id, binding);
  }
}

/** The session id of a request with the caller and endpoint that it must be bound to. @throws BadRequest */
function readSessionReference({ headers, caller, endpoint }: Exchange) {
  const revision = singleHeader(headers, 'mcp-protocol-version');
  const era = revision === undefined ? 'legacy' : eraOfRevision(revision);
  if (era === undefined) throw new BadRequest(toUnsupportedRevisionText(revision ?? ''));
  if (era !== 'legacy') throw new BadRequest(`MCP-Protocol-Version ${revision} is a revision without sessions.`);
  const id = singleHeader(headers, SESSION_HEADER);
  if (id === undefined) throw new BadRequest('Mcp-Session-Id is missing. Initialize a session first.');
  return { id, binding: { caller, endpoint: endpoint.id, transport: 'http' } as const };
}

type InvalidReading = Extract<MessageReading, { kind: 'invalid' }>;

const isInvalid = (reading: MessageReading): reading is InvalidReading => reading.kind === 'invalid';

const toRecordedClient = ({ id, client: { revision } }: SessionHandle): RecordedClient => ({
  transport: 'mcp',
  revision,
  session: id,
});

/** A failed notification has no place in a batch response and must not prevent it: the requests of the batch run. */
function logUndelivered(cause: unknown): void {
  if (cause instanceof GatewayError || cause instanceof OutcomeError) return;
  new Logger(LegacyExchange.name).error(
    'Part of a batch failed unexpectedly',
    cause instanceof Error ? cause.stack : String(cause),
  );
}

const unknownMethod = ({ method }: JsonRpcRequest): Outcome =>
  failure({ code: RpcCode.methodNotFound, message: `Method not found: ${method}` });
