import type { Caller } from '#lib/extension-kit';
import type { Answer, ClientProfile, LogLevel, McpNotification, Outcome, Question, RequestId } from '#lib/mcp-protocol';
import { EarlyCancels } from './early-cancels.js';
import { NullEventArchive, type EventArchive, type StreamCall } from './event-archive.js';
import type { StreamSink } from './event-log.js';
import { ReplayUnavailable, SessionEnded, TooManyCalls } from './session-pool.errors.js';
import type { SessionPoolConfig } from './session-pool.config.js';
import { isBelowLevel } from './log-levels.js';
import { InFlightCounter } from './in-flight-counter.js';
import { PendingQuestions, type ProgressReceiver } from './pending-questions.js';
import type { SessionRecord } from './session-record.js';
import type { SessionStream } from './session-stream.js';
import { SessionStreams, type StreamOptions } from './session-streams.js';

/** What a session is created with; fixed for its life. */
export interface SessionStart {
  readonly id: string;
  readonly caller: Caller;
  /** Endpoint that the session is bound to. */
  readonly endpoint: string;
  readonly client: ClientProfile;
  /** Every answer goes to the standing stream (HTTP+SSE). */
  readonly answersOnStandingStream: boolean;
}

/** A connection to a server that serves a session, as far as the session itself uses it. */
export interface SessionConnection extends ProgressReceiver {
  readonly closed: boolean;
}

/** A request of the session's client that is not answered yet. */
export interface OpenCall {
  readonly requestId: RequestId;
  readonly method: string;
  readonly stream: SessionStream | undefined;
  readonly signal: AbortSignal;
  /**
   * Ends the call. The answer gets an event id where the stream can be replayed; a promise is returned only where the
   * answer has to be stored for other workers first.
   */
  finish(outcome: Outcome): Outcome | Promise<Outcome>;
}

interface InFlightCall extends StreamCall {
  readonly controller: AbortController;
  /** One of several that its request is put together from. */
  readonly isPart: boolean;
}

/** What becomes of the events that other workers could tell the session's client. */
export type ArchivePolicy = 'forgotten' | 'kept';

const NO_REPLAY = { replayEvents: 0, replayBytes: 0 };
const NO_ARCHIVE = new NullEventArchive();

let lastSerial = 0;

/** A legacy client's session on this worker. Kept small: most members appear when they are first needed. */
export class Session {
  /** Numbers the sessions of this process in the order in which they came. */
  readonly serial = (lastSerial += 1);
  logLevel: LogLevel | undefined;
  lastUsedAt = Date.now();
  isEnded = false;
  private calls: Set<InFlightCall> | undefined;
  private questions: PendingQuestions | undefined;
  private connections: Set<SessionConnection> | undefined;
  private idleWaiters: (() => void)[] | undefined;
  private endListeners: Set<() => void> | undefined;
  private pendingAnswers: InFlightCounter | undefined;
  private earlyCancels: EarlyCancels | undefined;
  private streams: SessionStreams | undefined;

  /** Who the client is. Over HTTP+SSE it says so only after its stream, and with it the session, was opened. */
  client: ClientProfile;

  constructor(
    readonly start: SessionStart,
    private readonly limits: SessionPoolConfig,
    private readonly archive: EventArchive = NO_ARCHIVE,
  ) {
    this.client = start.client;
  }

  /** A session that another worker gave up goes on here, under the same id. */
  static restore(record: SessionRecord, limits: SessionPoolConfig, archive?: EventArchive): Session {
    const { id, caller, endpoint, client, logLevel, streams } = record;
    const session = new Session({ id, caller, endpoint, client, answersOnStandingStream: false }, limits, archive);
    session.logLevel = logLevel;
    if (streams) session.streams = new SessionStreams(session.streamOptions, streams);
    return session;
  }

  get id(): string {
    return this.start.id;
  }

  /** True while nobody would notice its end. */
  get isIdle(): boolean {
    return !this.calls?.size && !this.standingStream?.isAttached;
  }

  touch(): void {
    this.lastUsedAt = Date.now();
  }

  /**
   * Begins a call. Without a sink it is a part of a request, and nothing can precede its answer. Its signal is aborted
   * already where its client has given it up before.
   * @throws SessionEnded, TooManyCalls
   */
  beginCall(requestId: RequestId, method: string, sink?: StreamSink): OpenCall {
    if (this.isEnded) throw new SessionEnded();
    const calls = (this.calls ??= new Set());
    if (calls.size >= this.limits.maxCallsPerSession) throw new TooManyCalls(this.limits.maxCallsPerSession);
    const controller = new AbortController();
    const call = { requestId, method, controller, isPart: !sink };
    if (call.isPart ? this.earlyCancels?.has(requestId) : this.earlyCancels?.consume(requestId)) controller.abort();
    calls.add(call);
    const stream = sink && this.openReplyStream(call, sink);
    const finish = (outcome: Outcome): Outcome | Promise<Outcome> => {
      let answer: Outcome | Promise<Outcome> = outcome;
      try {
        if (stream?.isOpened) answer = this.closeReplyStream(stream, call, outcome);
      } finally {
        // Until its answer is stored the call counts: its session is not given away from under it.
        if (answer instanceof Promise) answer = answer.finally(() => this.onCallFinished(call));
        else this.onCallFinished(call);
      }
      return answer;
    };
    return { requestId, method, stream, signal: controller.signal, finish };
  }

  get callsInFlight(): number {
    return this.calls?.size ?? 0;
  }

  /** Resolves once no call is under way, or the session has ended. */
  whenCallsFinished(): Promise<void> {
    if (this.isEnded || !this.calls?.size) return Promise.resolve();
    return new Promise((resolve) => (this.idleWaiters ??= []).push(resolve));
  }

  private onCallFinished(call: InFlightCall): void {
    this.calls?.delete(call);
    if (!call.isPart) (this.earlyCancels ??= new EarlyCancels()).recordEnd(call.requestId);
    this.touch();
    if (!this.calls?.size) this.resolveIdleWaiters();
  }

  private resolveIdleWaiters(): void {
    const waiting = this.idleWaiters;
    this.idleWaiters = undefined;
    for (const resolve of waiting ?? []) resolve();
  }

  /** The client gave the request up: `notifications/cancelled`. It may be on its way here still. */
  cancel(requestId: RequestId): void {
    const meant = [...(this.calls ?? [])].filter((call) => call.requestId === requestId);
    for (const { controller } of meant) controller.abort();
    // The other parts of a request are still to come, too.
    if (meant.every(({ isPart }) => isPart)) (this.earlyCancels ??= new EarlyCancels()).record(requestId);
  }

  /** Asks the client and waits; rejects as PendingQuestions does. An aborted signal withdraws the question. */
  sendQuestion(
    question: Question,
    stream: SessionStream,
    signal: AbortSignal,
    asker?: ProgressReceiver,
  ): Promise<Answer> {
    this.questions ??= new PendingQuestions(this.limits.questionTimeoutMs);
    return this.questions.send(question, stream, signal, asker);
  }

  /** Takes the client's answer to a question. Answers to unknown or settled questions are dropped. */
  answerQuestion(id: RequestId, answer: Answer): void {
    this.questions?.resolve(id, answer);
  }

  /** Sends what belongs to no request. Lost when the client has never opened a stream for it. */
  notify(notification: McpNotification): void {
    if (this.logLevel && isBelowLevel(notification, this.logLevel)) return;
    void this.standingStream?.emit({ kind: 'notification', notification });
  }

  /** A connection serves this session from now on; the client's own notifications go to it. */
  addConnection(connection: SessionConnection): void {
    (this.connections ??= new Set()).add(connection);
  }

  /** A connection serves this session no more. */
  removeConnection(connection: SessionConnection): void {
    this.connections?.delete(connection);
  }

  /**
   * Passes a notification of the client on to the servers that serve it; progress to the one whose question it is about.
   * A server that is gone has no use for it.
   */
  async notifyServers(notification: McpNotification): Promise<void> {
    if (notification.method === 'notifications/progress') {
      await this.questions?.forwardProgress(notification).catch(() => undefined);
      return;
    }
    const open = [...(this.connections ?? [])].filter((connection) => !connection.closed);
    await Promise.allSettled(open.map((connection) => connection.notify(notification)));
  }

  /** Attaches the stream that belongs to no request (GET, or the one stream of HTTP+SSE). */
  openStandingStream(sink: StreamSink): SessionStream {
    return this.ensuredStreams.openStanding(sink);
  }

  /**
   * Continues a stream after the event that the client saw last.
   * @throws ReplayUnavailable when events between are gone: a gap is never silent.
   */
  resume(lastEventId: string, sink: StreamSink): SessionStream | undefined {
    if (!this.streams) throw new ReplayUnavailable(lastEventId);
    return this.streams.resume(lastEventId, sink);
  }

  /** The stream that a client of HTTP+SSE gets all its answers on. */
  get standingStream(): SessionStream | undefined {
    return this.streams?.standing;
  }

  /**
   * Has a request answered and sends the answer on the standing stream (HTTP+SSE), which outlives the session until
   * then.
   * @throws SessionEnded, TooManyCalls before anything is run
   */
  answerOnStream(id: RequestId, method: string, answer: () => Promise<Outcome>): Promise<void> {
    const owed = (this.pendingAnswers ??= new InFlightCounter());
    if (this.isEnded) throw new SessionEnded();
    if (owed.size >= this.limits.maxCallsPerSession) throw new TooManyCalls(this.limits.maxCallsPerSession);
    const given = owed.add();
    return answer()
      .then((outcome) => this.standingStream?.emit({ kind: 'answer', id, method, outcome }))
      .finally(() => {
        given();
        if (this.isEnded && owed.size === 0) this.standingStream?.end();
      });
  }

  /** Resolves once every request that was to be answered on the standing stream is. */
  whenAllAnswered(): Promise<void> {
    return this.pendingAnswers?.whenIdle() ?? Promise.resolve();
  }

  /** Calls back when the session ends. Returns how to take that back. */
  onEnd(listener: () => void): () => void {
    const listeners = (this.endListeners ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /**
   * Cancels calls, ends the standing stream and whatever was opened for the session. Idempotent. The events that other
   * workers could tell are kept only where the client may look for the session there.
   */
  end(archived: ArchivePolicy = 'forgotten'): void {
    if (this.isEnded) return;
    this.isEnded = true;
    if (archived === 'forgotten') this.streams?.discard();
    // The streams of calls end with the answers, which cancelled calls have too.
    for (const call of this.calls ?? []) call.controller.abort();
    if (!this.pendingAnswers?.size) this.standingStream?.end();
    this.notifyEndListeners();
  }

  /** False while another worker could not go on with it: calls are under way, or the connection is the session. */
  get canMove(): boolean {
    return !this.isEnded && !this.calls?.size && !this.start.answersOnStandingStream;
  }

  /**
   * Gives the session up for another worker to go on with: it is over here, and its client comes back for its stream.
   * Undefined, and nothing changes, while it cannot move.
   */
  handOff(): SessionRecord | undefined {
    if (!this.canMove) return undefined;
    this.isEnded = true;
    const { caller, endpoint } = this.start;
    const { id, client, logLevel } = this;
    // What waits to be stored is in the record too, and told by the heir.
    const streams = this.streams?.handOff();
    this.notifyEndListeners();
    return {
      id,
      caller: toPlainCaller(caller),
      endpoint,
      client,
      ...(logLevel && { logLevel }),
      ...(streams && { streams }),
    };
  }

  private notifyEndListeners(): void {
    this.resolveIdleWaiters();
    for (const listener of this.endListeners ?? []) listener();
    this.endListeners = undefined;
  }

  private openReplyStream(call: StreamCall, sink: StreamSink): SessionStream {
    if (this.start.answersOnStandingStream && this.standingStream) return this.standingStream;
    return this.ensuredStreams.openReply(call, sink);
  }

  private get ensuredStreams(): SessionStreams {
    return (this.streams ??= new SessionStreams(this.streamOptions));
  }

  private get streamOptions(): StreamOptions {
    // Over HTTP+SSE nobody can come back: there are no event ids, and the session ends with its stream.
    if (this.start.answersOnStandingStream) return { session: this.id, ...NO_REPLAY, archive: undefined };
    const { replayEvents, replayBytes } = this.limits;
    return { session: this.id, replayEvents, replayBytes, archive: this.archive.isActive ? this.archive : undefined };
  }

  private closeReplyStream(stream: SessionStream, call: StreamCall, outcome: Outcome): Outcome | Promise<Outcome> {
    if (stream === this.standingStream) return outcome;
    return this.streams?.close(stream, call, outcome) ?? outcome;
  }
}

/** Exactly what a caller is, whatever else the object may hold. */
function toPlainCaller(caller: Caller): Caller {
  const { principal, key, anonymous, roles, teams, servers, scopes, claims } = caller;
  const { issuer, subject } = principal;
  return { principal: { issuer, subject }, key, anonymous, roles, teams, ...(servers && { servers }), scopes, claims };
}
