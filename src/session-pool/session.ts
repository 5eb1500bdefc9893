import { isDeepStrictEqual } from 'node:util';
import type { Caller } from '#lib/extension-kit';
import type { Answer, ClientProfile, LogLevel, McpNotification, Outcome, Question, RequestId } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { EarlyCancels } from './early-cancels.js';
import { NullEventArchive, type EventArchive, type StreamCall } from './event-archive.js';
import type { StreamSink } from './event-log.js';
import { ReplayUnavailable, SessionEnded, TooManyCalls } from './session-pool.errors.js';
import type { SessionPoolConfig } from './session-pool.config.js';
import type { InFlightCall, OpenCall } from './open-call.js';
import { isBelowLevel } from './log-levels.js';
import { InFlightCounter } from './in-flight-counter.js';
import { PendingQuestions, type ProgressReceiver, type SessionConnection } from './pending-questions.js';
import { PrincipalTotals } from './principal-totals.js';
import { toPlainCaller, type SessionRecord } from './session-record.js';
import { mayReceive, ONLY_KNOWN_MESSAGES, type SessionAccess } from './session-access.js';
import type { SessionStart } from './session-start.js';
import type { SessionStream } from './session-stream.js';
import { SessionStreams, type StreamOptions, type CallAnswer } from './session-streams.js';
import { UnsolicitedMessages } from './unsolicited-messages.js';

/** Whether the archived events of an ended session are deleted, or retained for replay by other workers. */
export type ArchivePolicy = 'deleted' | 'retained';

const NO_REPLAY = { replayEvents: 0, replayBytes: 0 };
const NO_ARCHIVE = new NullEventArchive();

/** What the sessions of a worker share. */
type SessionParts = [limits: SessionPoolConfig, clock: Clock, archive?: EventArchive, held?: PrincipalTotals];

let lastSerial = 0;

/** A legacy client's session on this worker. Most members are created on first use, to keep an idle session small. */
export class Session {
  /** Number of the session within this process, in order of creation. */
  readonly serial = (lastSerial += 1);
  logLevel: LogLevel | undefined;
  /** When the session began, at whichever worker, in milliseconds since the Unix epoch. */
  startedAt: number;
  lastUsedAt: number;
  isEnded = false;
  /** Settles when the connection that the handshake opens stands, or has failed. */
  connecting: Promise<void> | undefined;
  /** Decides what servers may send to the caller. Set when the session is opened or restored. */
  access: SessionAccess = ONLY_KNOWN_MESSAGES;
  private isRetired = false;
  private calls: Set<InFlightCall> | undefined;
  private questions: PendingQuestions | undefined;
  private connections: Set<SessionConnection> | undefined;
  private idleWaiters: (() => void)[] | undefined;
  private endListeners: Set<() => void> | undefined;
  private callerListeners: Set<() => void> | undefined;
  private pendingAnswers: InFlightCounter | undefined;
  private earlyCancels: EarlyCancels | undefined;
  private streams: SessionStreams | undefined;
  private unsolicitedMessages: UnsolicitedMessages | undefined;
  private latestCaller: Caller;

  /** The client's profile. Over HTTP+SSE it arrives only after the stream, and with it the session, was opened. */
  client: ClientProfile;

  constructor(
    readonly start: SessionStart,
    private readonly limits: SessionPoolConfig,
    private readonly clock: Clock,
    private readonly archive: EventArchive = NO_ARCHIVE,
    /** Characters of the notifications that the sessions of each principal hold. */
    readonly held = new PrincipalTotals(),
  ) {
    this.client = start.client;
    this.latestCaller = start.caller;
    this.startedAt = this.lastUsedAt = clock.now();
  }

  /** Restores a session that another worker handed off, under the same id. */
  static restore(record: SessionRecord, ...parts: SessionParts): Session {
    const { id, caller, endpoint, client, logLevel, streams, startedAt, held = [] } = record;
    const session = new Session({ id, caller, endpoint, client, answersOnServerStream: false }, ...parts);
    session.logLevel = logLevel;
    if (startedAt !== undefined) session.startedAt = startedAt;
    if (streams) session.streams = new SessionStreams(session.streamOptions, streams);
    for (const item of held) session.unsolicited.hold(item.notification, item.server);
    return session;
  }

  get id(): string {
    return this.start.id;
  }

  /**
   * The caller of the latest request. Its principal and the servers that its token is limited to never change, its roles,
   * teams and scopes may.
   */
  get caller(): Caller {
    return this.latestCaller;
  }

  /** Uses the caller of a request from now on. The router has checked that the session belongs to it. */
  useCaller(caller: Caller): void {
    if (caller === this.latestCaller) return;
    // Another worker's request brings an equal copy: whatever is cached by caller stays cached.
    if (this.callerListeners && isDeepStrictEqual(caller, this.latestCaller)) return;
    this.latestCaller = caller;
    for (const listener of this.callerListeners ?? []) listener();
  }

  /** Registers a listener for a change of the caller until the session ends. */
  onCallerChange(listener: () => void): void {
    (this.callerListeners ??= new Set()).add(listener);
  }

  /**
   * True while the session has no in-flight call and no attached server stream, so that ending it disturbs no client.
   */
  get isIdle(): boolean {
    return !this.calls?.size && !this.serverStream?.isAttached;
  }

  /** True while a call or a question is in flight. Only its owner can finish it. */
  private get isBusy(): boolean {
    return Boolean(this.calls?.size) || Boolean(this.unsolicitedMessages?.hasOpenQuestion);
  }

  touch(): void {
    this.lastUsedAt = this.clock.now();
  }

  /**
   * Begins a call. Without a sink the call is one part of a request, and no event can precede its answer. The signal is
   * already aborted if the client cancelled the request earlier (invariant 7).
   *
   * @throws SessionEnded, TooManyCalls
   */
  beginCall(requestId: RequestId, method: string, sink?: StreamSink): OpenCall {
    if (this.isEnded) throw new SessionEnded();
    const calls = (this.calls ??= new Set());
    if (calls.size >= this.limits.maxCallsPerSession) throw new TooManyCalls(this.limits.maxCallsPerSession);
    const controller = new AbortController();
    const isPart = !sink;
    const isCancelled = (isPart ? this.earlyCancels?.has(requestId) : this.earlyCancels?.consume(requestId)) === true;
    if (isCancelled) controller.abort();
    const call: InFlightCall = { requestId, method, controller, isPart, isCancelled };
    calls.add(call);
    const stream = sink && this.openReplyStream(call, sink);
    call.stream = stream;
    if (stream) this.unsolicitedMessages?.sendWaiting(stream);
    const finish = (given: Outcome, recorded = given): Outcome | Promise<Outcome> => {
      const outcome: Outcome = call.isCancelled && given.kind === 'error' ? { ...given, cancelled: true } : given;
      let answer: Outcome | Promise<Outcome> = outcome;
      try {
        if (stream?.isOpened) answer = this.closeReplyStream(stream, call, { outcome, recorded });
      } finally {
        // The call counts as in flight until its answer is stored, so that its session is not handed off before.
        if (answer instanceof Promise) answer = answer.finally(() => this.onCallFinished(call));
        else this.onCallFinished(call);
      }
      return answer;
    };
    return { requestId, method, stream, signal: controller.signal, finish };
  }

  /** The stream of the latest call in flight that has one. */
  get callStream(): SessionStream | undefined {
    return [...(this.calls ?? [])].findLast(({ stream }) => stream)?.stream;
  }

  get callsInFlight(): number {
    return this.calls?.size ?? 0;
  }

  /** Resolves once no call and no question is in flight, or the session has ended. */
  whenCallsFinished(): Promise<void> {
    if (this.isEnded || !this.isBusy) return Promise.resolve();
    return new Promise((resolve) => (this.idleWaiters ??= []).push(resolve));
  }

  private onCallFinished(call: InFlightCall): void {
    this.calls?.delete(call);
    if (!call.isPart) (this.earlyCancels ??= new EarlyCancels(this.clock)).recordEnd(call.requestId);
    this.touch();
    this.unsolicitedMessages?.onCallsFinished();
    this.resolveIdleWaiters();
  }

  private resolveIdleWaiters(): void {
    if (this.isBusy && !this.isEnded) return;
    const waiters = this.idleWaiters;
    this.idleWaiters = undefined;
    for (const resolve of waiters ?? []) resolve();
  }

  /** Handles `notifications/cancelled`. The cancelled request itself may not have arrived yet. */
  cancel(requestId: RequestId, reason?: string): void {
    const cancelled = [...(this.calls ?? [])].filter((call) => call.requestId === requestId);
    for (const call of cancelled) {
      call.isCancelled = true;
      call.controller.abort(reason);
    }
    // Further parts of the same request may still begin.
    if (cancelled.every(({ isPart }) => isPart)) (this.earlyCancels ??= new EarlyCancels(this.clock)).record(requestId);
  }

  /** Sends a question to the client and waits. Rejects as PendingQuestions does. Aborting the signal withdraws it. */
  sendQuestion(
    question: Question,
    stream: SessionStream,
    signal: AbortSignal,
    server?: ProgressReceiver,
  ): Promise<Answer> {
    this.questions ??= new PendingQuestions(this.limits.questionTimeoutMs, this.clock);
    return this.questions.send(question, stream, signal, server);
  }

  /** Delivers the client's answer to a question. Drops answers to unknown or settled questions. */
  answerQuestion(id: RequestId, answer: Answer): void {
    this.questions?.resolve(id, answer);
  }

  /** Sends a notification that belongs to no request, or holds it until the client has opened its first server stream. */
  notify(notification: McpNotification, server?: string): void {
    if (this.isRetired || this.isEnded) return;
    if (this.logLevel && isBelowLevel(notification, this.logLevel)) return;
    this.unsolicited.notify(notification, server);
  }

  /** Sends a notification of a server that belongs to no call, unless the caller may not receive it now. */
  notifyFrom(server: string, notification: McpNotification): void {
    if (mayReceive(this, server, notification)) this.notify(notification, server);
  }

  /** What servers send to the client outside any request. */
  get unsolicited(): UnsolicitedMessages {
    return (this.unsolicitedMessages ??= new UnsolicitedMessages(this, this.clock, () => this.resolveIdleWaiters()));
  }

  /** Adds a connection that serves this session and receives the client's notifications. */
  addConnection(connection: SessionConnection): void {
    (this.connections ??= new Set()).add(connection);
  }

  /** Removes a connection that no longer serves this session. */
  removeConnection(connection: SessionConnection): void {
    this.connections?.delete(connection);
  }

  /**
   * Forwards a notification of the client to the servers that serve it, and progress only to the server whose question
   * it concerns. Ignores failures: a server that is disconnected does not need the notification.
   */
  async notifyServers(notification: McpNotification): Promise<void> {
    if (notification.method === 'notifications/progress') {
      await this.questions?.forwardProgress(notification).catch(() => undefined);
      return;
    }
    await Promise.allSettled(this.openConnections.map((connection) => connection.notify(notification)));
  }

  get isConnected(): boolean {
    return this.openConnections.length > 0;
  }

  private get openConnections(): SessionConnection[] {
    return [...(this.connections ?? [])].filter((connection) => !connection.closed);
  }

  /** Attaches the server stream: the GET stream, or the only stream of HTTP+SSE. It belongs to no request. */
  openServerStream(sink: StreamSink): SessionStream {
    const stream = this.ensuredStreams.openServerStream(sink);
    this.unsolicitedMessages?.onAttached(stream);
    return stream;
  }

  /**
   * Continues a stream after the last event that the client received.
   *
   * @throws ReplayUnavailable when events in between were evicted (invariant 2)
   */
  resume(lastEventId: string, sink: StreamSink): SessionStream | undefined {
    if (!this.streams) throw new ReplayUnavailable(lastEventId);
    const stream = this.streams.resume(lastEventId, sink);
    if (stream && stream === this.serverStream) this.unsolicitedMessages?.onAttached(stream);
    return stream;
  }

  /** The stream that belongs to no request. An HTTP+SSE client receives all its answers on it. */
  get serverStream(): SessionStream | undefined {
    return this.streams?.standing;
  }

  /**
   * Sends the answer to a request on the server stream (HTTP+SSE). The stream outlives the session until then.
   *
   * @throws SessionEnded, TooManyCalls before the call is executed
   */
  answerOnStream(id: RequestId, method: string, answer: () => Promise<Outcome>): Promise<void> {
    const pending = (this.pendingAnswers ??= new InFlightCounter());
    if (this.isEnded || this.isRetired) throw new SessionEnded();
    if (pending.size >= this.limits.maxCallsPerSession) throw new TooManyCalls(this.limits.maxCallsPerSession);
    const markAnswered = pending.add();
    return answer()
      .then((outcome) => {
        if (outcome.kind === 'error' && outcome.cancelled) return undefined;
        return this.serverStream?.emit({ kind: 'answer', id, method, outcome });
      })
      .finally(() => {
        markAnswered();
        if (this.isEnded && pending.size === 0) this.serverStream?.end();
      });
  }

  /** Resolves once every request whose answer belongs on the server stream is answered. */
  whenAllAnswered(): Promise<void> {
    return this.pendingAnswers?.whenIdle() ?? Promise.resolve();
  }

  /**
   * Accepts no further request on the server stream and sends no notification that belongs to none. Ends the session once
   * the accepted requests are answered (HTTP+SSE).
   */
  retire(): void {
    this.isRetired = true;
    void this.whenAllAnswered().then(() => this.end());
  }

  /** Registers a listener for the end of the session. Returns a function that removes it. */
  onEnd(listener: () => void): () => void {
    const listeners = (this.endListeners ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /**
   * Cancels the calls, ends the server stream and releases every resource of the session. Idempotent. `archived`
   * decides whether other workers can still replay its events.
   */
  end(archived: ArchivePolicy = 'deleted'): void {
    if (this.isEnded) return;
    this.isEnded = true;
    if (archived === 'deleted') this.streams?.discard();
    // The stream of each call ends with its answer; a cancelled call is answered too.
    for (const call of this.calls ?? []) call.controller.abort();
    if (!this.pendingAnswers?.size) this.serverStream?.end();
    this.notifyEndListeners();
  }

  /**
   * True if another worker can continue the session: no call and no question is in flight, and it is not bound to one
   * HTTP+SSE stream.
   */
  get canMove(): boolean {
    return !this.isEnded && !this.isBusy && !this.start.answersOnServerStream;
  }

  /**
   * Ends the session on this worker and returns the record from which the new owner restores it; the client reconnects
   * for its stream. Returns undefined, and changes nothing, while the session cannot move.
   */
  handOff(): SessionRecord | undefined {
    if (!this.canMove) return undefined;
    this.isEnded = true;
    const { endpoint } = this.start;
    const { id, caller, client, logLevel, startedAt } = this;
    // The record includes events that are not stored yet; the new owner sends them.
    const streams = this.streams?.handOff();
    const held = this.unsolicitedMessages?.take();
    this.notifyEndListeners();
    const optional = { ...(logLevel && { logLevel }), ...(streams && { streams }), ...(held?.length && { held }) };
    return { id, caller: toPlainCaller(caller), endpoint, client, startedAt, ...optional };
  }

  private notifyEndListeners(): void {
    this.resolveIdleWaiters();
    for (const listener of this.endListeners ?? []) listener();
    this.endListeners = undefined;
    this.callerListeners = undefined;
  }

  private openReplyStream(call: StreamCall, sink: StreamSink): SessionStream {
    if (this.start.answersOnServerStream && this.serverStream) return this.serverStream;
    return this.ensuredStreams.openReply(call, sink);
  }

  private get ensuredStreams(): SessionStreams {
    return (this.streams ??= new SessionStreams(this.streamOptions));
  }

  private get streamOptions(): StreamOptions {
    // An HTTP+SSE client cannot resume: there are no event ids, and the session ends with its stream.
    if (this.start.answersOnServerStream) return { session: this.id, ...NO_REPLAY, archive: undefined };
    const { replayEvents, replayBytes } = this.limits;
    return { session: this.id, replayEvents, replayBytes, archive: this.archive.isActive ? this.archive : undefined };
  }

  private closeReplyStream(stream: SessionStream, call: StreamCall, answer: CallAnswer): Outcome | Promise<Outcome> {
    const closed = stream === this.serverStream ? undefined : this.streams?.close(stream, call, answer);
    return closed ?? answer.outcome;
  }
}
