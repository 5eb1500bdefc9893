import { Injectable, Logger } from '@nestjs/common';
import { GatewayError, OutcomeError } from '#lib/extension-kit';
import {
  allowsBatches,
  eraOfRevision,
  failure,
  negotiateLegacy,
  RpcCode,
  type ClientProfile,
  type JsonRpcRequest,
  type JsonValue,
  type Outcome,
} from '#lib/mcp-protocol';
import { SessionRouter, SessionUnknown, type SessionHandle } from '../../affinity/index.js';
import { Dispatcher, Welcome } from '../../dispatch/index.js';
import { demandAccepts } from '../http-request.js';
import { StreamKeeper } from '../stream-keeper.js';
import { TransportConfig } from '../transport.config.js';
import { BadRequest } from '../transport.errors.js';
import { single, type Exchange } from './exchange.js';
import {
  isLegacyMethod,
  profileInHandshake,
  sessionInbound,
  takeAnswer,
  takeNotification,
  understood,
  type Understood,
} from './legacy-messages.js';
import { LegacyBatchReply, LegacyGetStream, LegacyReply, type LegacyStream } from './legacy-replies.js';

const SESSION_HEADER = 'mcp-session-id';
const NEVER = new AbortController().signal;

/** Streamable HTTP with sessions: revisions 2025-03-26 to 2025-11-25 (specification: basic/transports). */
@Injectable()
export class LegacyExchange {
  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly welcome: Welcome,
    private readonly router: SessionRouter,
    private readonly keeper: StreamKeeper,
    private readonly config: TransportConfig,
  ) {}

  /** A POST with one message. */
  async post(exchange: Exchange, reading: Understood): Promise<void> {
    if (reading.kind === 'request' && reading.message.method === 'initialize') {
      return this.initialize(exchange, reading.message);
    }
    const session = await this.sessionOf(exchange);
    if (reading.kind === 'request') return this.answer(exchange, session, reading.message);
    await take(session, reading);
    return exchange.writer.empty(202);
  }

  /** A POST with several messages, for the revision that supports batches. */
  async postBatch(exchange: Exchange, values: readonly JsonValue[]): Promise<void> {
    const session = await this.sessionOf(exchange);
    const { revision } = session.client;
    if (!allowsBatches(revision)) throw new BadRequest(`Revision ${revision} does not support batches. Send one message per request.`);
    if (values.length === 0) throw new BadRequest('The batch is empty.');
    if (values.length > this.config.maxBatch)
      throw new BadRequest(`A batch holds at most ${this.config.maxBatch} messages.`);
    const readings = values.map(understood);
    if (!readings.some(({ kind }) => kind === 'request')) {
      for (const reading of readings) await take(session, reading);
      return exchange.writer.empty(202);
    }
    const reply = new LegacyBatchReply(exchange.writer, this.keeper, revision);
    const pending = readings.map(async (reading) => {
      if (reading.kind !== 'request') return take(session, reading).catch(undelivered);
      const outcome = await this.outcomeOf(exchange, session, reading.message, reply);
      return reply.add(reading.message.id, reading.message.method, outcome);
    });
    await Promise.all(pending);
    return reply.finish();
  }

  /** A GET: opens the stream without a request, or resumes a stream that was interrupted. */
  async openStream(exchange: Exchange): Promise<void> {
    const { headers, writer } = exchange;
    demandAccepts(headers, 'text/event-stream');
    const lastEventId = single(headers, 'last-event-id');
    const session = await this.find(exchange, lastEventId);
    if (!session) return;
    const stream = new LegacyGetStream(writer, this.keeper, session.client.revision);
    const opened = await session.openStream(stream, lastEventId);
    stream.standing = opened.standing;
    writer.openStream();
    writer.onClosed(() => opened.detach());
  }

  /** Returns the session. When its owner is dead, replays the archived rest of the stream instead and returns undefined. */
  private async find(exchange: Exchange, lastEventId: string | undefined): Promise<SessionHandle | undefined> {
    try {
      return await this.sessionOf(exchange);
    } catch (cause) {
      if (lastEventId === undefined || !(cause instanceof SessionUnknown)) throw cause;
      const { id, binding } = sessionIn(exchange);
      const { revision, events } = await this.router.remainsOf(id, binding, lastEventId);
      const stream = new LegacyGetStream(exchange.writer, this.keeper, revision);
      for (const event of events) void stream.emit(event);
      stream.end();
      return undefined;
    }
  }

  /** A DELETE: ends the session. */
  async end(exchange: Exchange): Promise<void> {
    await (await this.sessionOf(exchange)).end();
    exchange.writer.empty(204);
  }

  private async initialize(exchange: Exchange, message: JsonRpcRequest): Promise<void> {
    const revision = negotiateLegacy(message.params?.['protocolVersion']);
    const client = profileInHandshake(message, revision);
    const outcome = await this.welcome.answerHandshake({ ...exchange, client });
    // A client that disconnected meanwhile needs no session.
    const opensSession = outcome.kind === 'result' && !exchange.writer.closed;
    const headers = opensSession ? this.openSession(exchange, client) : {};
    const reply = new LegacyReply(exchange.writer.with(headers), this.keeper, revision, message.id, message.method);
    reply.finish(outcome);
  }

  private openSession({ caller, endpoint }: Exchange, client: ClientProfile): Record<string, string> {
    const session = this.router.open({ caller, client, endpoint: endpoint.id, transport: 'http' });
    return { [SESSION_HEADER]: session.id };
  }

  private async answer(exchange: Exchange, session: SessionHandle, message: JsonRpcRequest): Promise<void> {
    const reply = new LegacyReply(exchange.writer, this.keeper, session.client.revision, message.id, message.method);
    reply.finish(await this.outcomeOf(exchange, session, message, reply));
  }

  /** A disconnect cancels nothing in this era: the call continues, and its events can be replayed (invariant 3). */
  private outcomeOf(
    exchange: Exchange,
    session: SessionHandle,
    message: JsonRpcRequest,
    reply: LegacyStream,
  ): Promise<Outcome> {
    if (!isLegacyMethod(message.method) || message.method === 'initialize')
      return Promise.resolve(unknownMethod(message));
    return this.dispatcher.dispatch(sessionInbound(exchange, session, message), reply, NEVER);
  }

  /** Throws or rejects with the errors of `SessionRouter.locate`. */
  private sessionOf(exchange: Exchange): SessionHandle | Promise<SessionHandle> {
    const { id, binding } = sessionIn(exchange);
    return this.router.locate(id, binding);
  }
}

/** The session id of a request with the caller and endpoint that it must be bound to. @throws BadRequest */
function sessionIn({ headers, caller, endpoint }: Exchange) {
  const revision = single(headers, 'mcp-protocol-version');
  if (revision !== undefined && eraOfRevision(revision) !== 'legacy') {
    throw new BadRequest('MCP-Protocol-Version names a revision without sessions.');
  }
  const id = single(headers, SESSION_HEADER);
  if (id === undefined) throw new BadRequest('Mcp-Session-Id is missing. Initialize a session first.');
  return { id, binding: { caller, endpoint: endpoint.id, transport: 'http' } as const };
}

/** A failed notification has no place in a batch response and must not prevent it: the requests of the batch run. */
function undelivered(cause: unknown): void {
  if (cause instanceof GatewayError || cause instanceof OutcomeError) return;
  new Logger(LegacyExchange.name).error(
    'Part of a batch failed unexpectedly',
    cause instanceof Error ? cause.stack : String(cause),
  );
}

const unknownMethod = ({ method }: JsonRpcRequest): Outcome =>
  failure({ code: RpcCode.methodNotFound, message: `Method not found: ${method}` });

function take(session: SessionHandle, reading: Understood): Promise<void> {
  if (reading.kind === 'notification') return takeNotification(session, reading.message);
  if (reading.kind === 'response') return takeAnswer(session, reading.message);
  return Promise.resolve();
}
