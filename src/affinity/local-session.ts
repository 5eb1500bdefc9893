import type { Answer, ClientProfile, LogLevel, McpNotification, Outcome, RequestId } from '#lib/mcp-protocol';
import type { StreamSink, Session } from '../session-pool/index.js';
import type { UpstreamCall, UpstreamCalls } from '../calls/index.js';
import type { SessionFeeds, WatchedResource } from '../subscriptions/index.js';
import type { OpenedStream, SessionHandle } from './session-handle.js';

/** What a session's owner works with. */
export interface LocalOwner {
  readonly calls: UpstreamCalls;
  readonly subscriptions: SessionFeeds;
  /** Where a session is now that was found here and has been given away since. Rejects with SessionUnknown. */
  locateMoved(session: Session): Promise<SessionHandle>;
}

/** A session that this worker owns. Over HTTP+SSE it can do a little more: answers go to its one stream. */
export class LocalSession implements SessionHandle {
  readonly location = 'here';

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

  /** The client says who it is, after its session was opened (HTTP+SSE). */
  async setClient(client: ClientProfile): Promise<void> {
    this.session.client = client;
    this.subscribeToLists();
  }

  async call(call: UpstreamCall, sink: StreamSink): Promise<Outcome> {
    // Whoever found it here may have asked a server first, and the session may have left meanwhile.
    if (this.session.isEnded) return (await this.owner.locateMoved(this.session)).call(call, sink);
    return this.owner.calls.runInSession(this.session, call, sink);
  }

  async cancel(requestId: RequestId): Promise<void> {
    this.session.cancel(requestId);
  }

  async answer(id: RequestId, answer: Answer): Promise<void> {
    this.session.touch();
    this.session.answerQuestion(id, answer);
  }

  async notify(notification: McpNotification): Promise<void> {
    this.session.touch();
    await this.session.notifyServers(notification);
  }

  async touch(): Promise<void> {
    this.session.touch();
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    if (this.session.isEnded) return (await this.owner.locateMoved(this.session)).setLogLevel(level);
    this.session.logLevel = level;
  }

  async subscribe(resource: WatchedResource): Promise<void> {
    if (this.session.isEnded) return (await this.owner.locateMoved(this.session)).subscribe(resource);
    return this.owner.subscriptions.subscribe(this.session, resource);
  }

  unsubscribe(resource: WatchedResource): Promise<void> {
    return this.owner.subscriptions.unsubscribe(this.session, resource);
  }

  async openStream(sink: StreamSink, lastEventId?: string): Promise<OpenedStream> {
    this.session.touch();
    const stream = lastEventId ? this.session.resume(lastEventId, sink) : this.session.openStandingStream(sink);
    // Over HTTP+SSE nobody has said yet who the client is; its upstream sessions must not be opened without that.
    if (!this.session.start.answersOnStandingStream) this.subscribeToLists();
    return {
      isServerStream: stream !== undefined && stream === this.session.standingStream,
      detach: () => {
        // Its client has been here until now, however long ago its last request was.
        this.session.touch();
        stream?.detach(sink);
      },
    };
  }

  /**
   * Has a request answered, and sends the answer on the standing stream (HTTP+SSE).
   * @throws GatewayError before anything is run, when the session has ended or has too many calls in flight
   */
  answerOnStream(id: RequestId, method: string, answer: () => Promise<Outcome>): Promise<void> {
    return this.session.answerOnStream(id, method, answer);
  }

  /** Resolves once every request that was to be answered on the standing stream is. */
  whenAnswered(): Promise<void> {
    return this.session.whenAllAnswered();
  }

  async end(): Promise<void> {
    this.session.end();
  }

  /** Once there is a stream to tell of changes on. */
  private subscribeToLists(): void {
    if (this.session.standingStream) this.owner.subscriptions.subscribeToLists(this.session);
  }
}
