import type { Answer, ClientProfile, LogLevel, McpNotification, Outcome, RequestId } from '#lib/mcp-protocol';
import type { StreamSink, UpstreamCall, UpstreamCalls, Session } from '../session-pool/index.js';
import type { SessionFeeds, WatchedResource } from '../subscriptions/index.js';
import type { OpenedStream, SessionHandle } from './session-handle.js';

/** What a local session needs from the worker that owns it. */
export interface LocalOwner {
  readonly calls: UpstreamCalls;
  readonly feeds: SessionFeeds;
  /** Locates a session that was found here and has been handed off since. Rejects with SessionUnknown. */
  follow(session: Session): Promise<SessionHandle>;
}

/** A session that this worker owns. Over HTTP+SSE it also sends the answers, on the session's single stream. */
export class LocalSession implements SessionHandle {
  readonly place = 'here';

  constructor(
    private readonly session: Session,
    private readonly owner: LocalOwner,
  ) {}

  get id(): string {
    return this.session.id;
  }

  get client(): ClientProfile {
    return this.session.client;
  }

  /** Sets the client's profile, which arrives after the session was opened (HTTP+SSE). */
  async introduce(client: ClientProfile): Promise<void> {
    this.session.client = client;
    this.followLists();
  }

  async call(call: UpstreamCall, sink: StreamSink): Promise<Outcome> {
    // The caller may have waited for a server since it located the session, and the session may have been handed off
    // meanwhile.
    if (this.session.ended) return (await this.owner.follow(this.session)).call(call, sink);
    return this.owner.calls.runInSession(this.session, call, sink);
  }

  async cancel(requestId: RequestId): Promise<void> {
    this.session.cancel(requestId);
  }

  async answer(id: RequestId, answer: Answer): Promise<void> {
    this.session.touch();
    this.session.answer(id, answer);
  }

  async notify(notification: McpNotification): Promise<void> {
    this.session.touch();
    await this.session.tellServers(notification);
  }

  async touch(): Promise<void> {
    this.session.touch();
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    if (this.session.ended) return (await this.owner.follow(this.session)).setLogLevel(level);
    this.session.logLevel = level;
  }

  async watch(resource: WatchedResource): Promise<void> {
    if (this.session.ended) return (await this.owner.follow(this.session)).watch(resource);
    return this.owner.feeds.watch(this.session, resource);
  }

  unwatch(resource: WatchedResource): Promise<void> {
    return this.owner.feeds.unwatch(this.session, resource);
  }

  async openStream(sink: StreamSink, lastEventId?: string): Promise<OpenedStream> {
    this.session.touch();
    const stream = lastEventId ? this.session.resume(lastEventId, sink) : this.session.openStandingStream(sink);
    // Over HTTP+SSE the client has not been initialized yet; upstream sessions must not be opened before.
    if (!this.session.start.answersOnStandingStream) this.followLists();
    return {
      standing: stream !== undefined && stream === this.session.standingStream,
      detach: () => {
        // The client was connected until now, so the session counts as used, however old its last request is.
        this.session.touch();
        stream?.detach(sink);
      },
    };
  }

  /**
   * Runs a request and sends its answer on the server stream (HTTP+SSE).
   * @throws GatewayError before anything runs, when the session has ended or has too many calls in flight
   */
  answerOnStream(id: RequestId, method: string, answer: () => Promise<Outcome>): Promise<void> {
    return this.session.answerOnStream(id, method, answer);
  }

  /** Resolves once no answer on the server stream is outstanding. */
  whenAnswered(): Promise<void> {
    return this.session.whenAnswered();
  }

  async end(): Promise<void> {
    this.session.end();
  }

  /** Subscribes to list changes once there is a server stream to send them on. */
  private followLists(): void {
    if (this.session.standingStream) this.owner.feeds.followLists(this.session);
  }
}
