import type { Caller } from '#lib/extension-kit';
import type { Answer, ClientProfile, LogLevel, McpNotification, Outcome, Question, RequestId } from '#lib/mcp-protocol';
import type { UpstreamConnection } from '../upstream/index.js';
import { EventLog, type StreamSink } from './event-log.js';
import { EventsNoLongerKept, SessionOver, TooManyCalls } from './session-pool.errors.js';
import type { SessionPoolConfig } from './session-pool.config.js';
import { isBelow } from './log-levels.js';
import { OwedAnswers } from './owed-answers.js';
import { PendingQuestions } from './pending-questions.js';
import { SessionStream } from './session-stream.js';

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

/** A request of the session's client that is not answered yet. */
export interface OpenCall {
  readonly requestId: RequestId;
  readonly method: string;
  readonly stream: SessionStream | undefined;
  readonly signal: AbortSignal;
  /** Ends the call. The answer gets an event id where the stream can be replayed. */
  finish(outcome: Outcome): Outcome;
}

const NOTHING_KEPT = { replayEvents: 0, replayBytes: 0 };

/** A legacy client's session on this worker. Kept small: most members appear when they are first needed. */
export class Session {
  logLevel: LogLevel | undefined;
  lastUsedAt = Date.now();
  ended = false;
  private calls: Set<{ requestId: RequestId; controller: AbortController }> | undefined;
  private streams: Map<number, SessionStream> | undefined;
  private questions: PendingQuestions | undefined;
  private connections: Set<UpstreamConnection> | undefined;
  private log: EventLog | undefined;
  private endListeners: Set<() => void> | undefined;
  private owed: OwedAnswers | undefined;
  private streamCount = 0;
  private standing: SessionStream | undefined;

  /** Who the client is. Over HTTP+SSE it says so only after its stream, and with it the session, was opened. */
  client: ClientProfile;

  constructor(
    readonly start: SessionStart,
    private readonly limits: SessionPoolConfig,
  ) {
    this.client = start.client;
  }

  get id(): string {
    return this.start.id;
  }

  /** True while nobody would notice its end. */
  get idle(): boolean {
    return !this.calls?.size && !this.standing?.attached;
  }

  touch(): void {
    this.lastUsedAt = Date.now();
  }

  /**
   * Begins a call. Without a sink nothing can precede its answer.
   * @throws SessionOver, TooManyCalls
   */
  begin(requestId: RequestId, method: string, sink?: StreamSink): OpenCall {
    if (this.ended) throw new SessionOver();
    const calls = (this.calls ??= new Set());
    if (calls.size >= this.limits.maxCallsPerSession) throw new TooManyCalls(this.limits.maxCallsPerSession);
    const controller = new AbortController();
    const call = { requestId, controller };
    calls.add(call);
    const stream = sink && this.replyStream(sink);
    const finish = (outcome: Outcome): Outcome => {
      calls.delete(call);
      this.touch();
      return stream ? this.close(stream, requestId, method, outcome) : outcome;
    };
    return { requestId, method, stream, signal: controller.signal, finish };
  }

  /** The client gave the request up: `notifications/cancelled`. Unknown ids are ignored, as the specification says. */
  cancel(requestId: RequestId): void {
    for (const call of this.calls ?? []) if (call.requestId === requestId) call.controller.abort();
  }

  /** Asks the client and waits; rejects as PendingQuestions does. An aborted signal withdraws the question. */
  ask(question: Question, stream: SessionStream, signal: AbortSignal): Promise<Answer> {
    this.questions ??= new PendingQuestions(this.limits.questionMs);
    return this.questions.ask(question, stream, signal);
  }

  /** Takes the client's answer to a question. Answers to unknown or settled questions are dropped. */
  answer(id: RequestId, answer: Answer): void {
    this.questions?.answer(id, answer);
  }

  /** Sends what belongs to no request. Lost when the client has never opened a stream for it. */
  notify(notification: McpNotification): void {
    if (this.logLevel && isBelow(notification, this.logLevel)) return;
    void this.standing?.emit({ kind: 'notification', notification });
  }

  /** A connection serves this session from now on; the client's own notifications go to it. */
  join(connection: UpstreamConnection): void {
    (this.connections ??= new Set()).add(connection);
  }

  /** A connection serves this session no more. */
  part(connection: UpstreamConnection): void {
    this.connections?.delete(connection);
  }

  /** Passes a notification of the client on to the servers that serve it. A server that is gone has no use for it. */
  async tellServers(notification: McpNotification): Promise<void> {
    const open = [...(this.connections ?? [])].filter((connection) => !connection.closed);
    await Promise.allSettled(open.map((connection) => connection.notify(notification)));
  }

  /** Attaches the stream that belongs to no request (GET, or the one stream of HTTP+SSE). */
  openStandingStream(sink: StreamSink): SessionStream {
    const standing = (this.standing ??= new SessionStream(++this.streamCount, this.eventLog()));
    this.remember(standing);
    standing.attach(sink);
    // Every connection learns an id to come back with, not only the first.
    void standing.emit({ kind: 'opened' });
    return standing;
  }

  /**
   * Continues a stream after the event that the client saw last.
   * @throws EventsNoLongerKept when events between are gone: a gap is never silent.
   */
  resume(lastEventId: string, sink: StreamSink): SessionStream | undefined {
    const replay = this.log?.after(lastEventId);
    if (!replay) throw new EventsNoLongerKept(lastEventId);
    const stream = this.streams?.get(replay.stream);
    if (stream) {
      stream.attach(sink, replay.events);
      return stream;
    }
    for (const event of replay.events) void sink.emit(event);
    sink.end();
    return undefined;
  }

  /** The stream that a client of HTTP+SSE gets all its answers on. */
  get standingStream(): SessionStream | undefined {
    return this.standing;
  }

  /**
   * Has a request answered and sends the answer on the standing stream (HTTP+SSE), which outlives the session until
   * then.
   * @throws SessionOver, TooManyCalls before anything is run
   */
  answerOnStream(id: RequestId, method: string, answer: () => Promise<Outcome>): Promise<void> {
    const owed = (this.owed ??= new OwedAnswers());
    if (this.ended) throw new SessionOver();
    if (owed.size >= this.limits.maxCallsPerSession) throw new TooManyCalls(this.limits.maxCallsPerSession);
    const given = owed.add();
    return answer()
      .then((outcome) => this.standing?.emit({ kind: 'answer', id, method, outcome }))
      .finally(() => {
        given();
        if (this.ended && owed.size === 0) this.standing?.end();
      });
  }

  /** Resolves once every request that was to be answered on the standing stream is. */
  whenAnswered(): Promise<void> {
    return this.owed?.whenNone() ?? Promise.resolve();
  }

  /** Calls back when the session ends. Returns how to take that back. */
  onEnd(listener: () => void): () => void {
    const listeners = (this.endListeners ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Cancels calls, ends the standing stream and whatever was opened for the session. Idempotent. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    // The streams of calls end with the answers, which cancelled calls have too.
    for (const call of this.calls ?? []) call.controller.abort();
    if (!this.owed?.size) this.standing?.end();
    for (const listener of this.endListeners ?? []) listener();
    this.endListeners = undefined;
  }

  private replyStream(sink: StreamSink): SessionStream {
    if (this.start.answersOnStandingStream && this.standing) return this.standing;
    const stream = new SessionStream(++this.streamCount, this.eventLog(), sink, () => this.remember(stream));
    return stream;
  }

  private remember(stream: SessionStream): void {
    (this.streams ??= new Map()).set(stream.key, stream);
  }

  private eventLog(): EventLog {
    // Over HTTP+SSE nobody can come back: there are no event ids, and the session ends with its stream.
    const { replayEvents, replayBytes } = this.start.answersOnStandingStream ? NOTHING_KEPT : this.limits;
    return (this.log ??= new EventLog(replayEvents, replayBytes));
  }

  private close(stream: SessionStream, id: RequestId, method: string, outcome: Outcome): Outcome {
    if (stream === this.standing || !stream.opened) return outcome;
    const answer = { kind: 'answer', id, method, outcome } as const;
    this.streams?.delete(stream.key);
    if (!stream.resumed) return { ...outcome, eventId: stream.keep(answer) };
    void stream.emit(answer);
    stream.end();
    return outcome;
  }
}
