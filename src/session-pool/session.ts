import type { Caller } from '#lib/extension-kit';
import type { Answer, ClientProfile, LogLevel, McpNotification, Outcome, Question, RequestId } from '#lib/mcp-protocol';
import type { UpstreamConnection } from '../upstream/index.js';
import { EventLog, type StreamSink } from './event-log.js';
import { EventsNoLongerKept, QuestionAbandoned, TooManyCalls } from './session-pool.errors.js';
import type { SessionPoolConfig } from './session-pool.config.js';
import { isBelow } from './log-levels.js';
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

type Settle = (answer: Answer) => void;

/** A legacy client's session on this worker. Kept small: most members appear when they are first needed. */
export class Session {
  logLevel: LogLevel | undefined;
  lastUsedAt = Date.now();
  ended = false;
  private calls: Set<{ requestId: RequestId; controller: AbortController }> | undefined;
  private streams: Map<number, SessionStream> | undefined;
  private questions: Map<RequestId, Settle> | undefined;
  private connections: Set<UpstreamConnection> | undefined;
  private log: EventLog | undefined;
  private endListeners: Set<() => void> | undefined;
  private streamCount = 0;
  private questionCount = 0;
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

  /** Begins a call. Without a sink nothing can precede its answer. */
  begin(requestId: RequestId, method: string, sink?: StreamSink): OpenCall {
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

  /** Asks the client and waits. An aborted signal withdraws the question. */
  ask(question: Question, stream: SessionStream, signal: AbortSignal): Promise<Answer> {
    const id = ++this.questionCount;
    const questions = (this.questions ??= new Map<RequestId, Settle>());
    return new Promise<Answer>((resolve, reject) => {
      const withdraw = () => {
        questions.delete(id);
        void stream.emit({ kind: 'notification', notification: withdrawalOf(id) });
        reject(new QuestionAbandoned());
      };
      questions.set(id, (answer) => {
        questions.delete(id);
        signal.removeEventListener('abort', withdraw);
        resolve(answer);
      });
      signal.addEventListener('abort', withdraw, { once: true });
      void stream.emit({ kind: 'question', id, question });
    });
  }

  /** Takes the client's answer to a question. Answers to unknown or settled questions are dropped. */
  answer(id: RequestId, answer: Answer): void {
    this.questions?.get(id)?.(answer);
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

  /** Passes a notification of the client on to the servers that serve it. A server that is gone has no use for it. */
  async tellServers(notification: McpNotification): Promise<void> {
    const open = [...(this.connections ?? [])].filter((connection) => !connection.closed);
    await Promise.allSettled(open.map((connection) => connection.notify(notification)));
  }

  /** Attaches the stream that belongs to no request (GET, or the one stream of HTTP+SSE). */
  openStandingStream(sink: StreamSink): SessionStream {
    const known = this.standing;
    const standing = (this.standing ??= new SessionStream(++this.streamCount, this.eventLog()));
    standing.attach(sink);
    if (!known) {
      this.remember(standing);
      void standing.emit({ kind: 'opened' });
    }
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

  onEnd(listener: () => void): void {
    (this.endListeners ??= new Set()).add(listener);
  }

  /** Ends calls, streams and whatever was opened for the session. Idempotent. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const call of this.calls ?? []) call.controller.abort();
    for (const stream of this.streams?.values() ?? []) stream.end();
    for (const listener of this.endListeners ?? []) listener();
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
    return (this.log ??= new EventLog(this.limits.replayEvents, this.limits.replayBytes));
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

const withdrawalOf = (requestId: RequestId): McpNotification => ({
  method: 'notifications/cancelled',
  params: { requestId, reason: 'The server no longer waits for the answer.' },
});
