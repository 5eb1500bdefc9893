import {
  result,
  type Answer,
  type ClientProfile,
  type LogLevel,
  type McpNotification,
  type Outcome,
  type RequestId,
} from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { StreamSink, Session } from '../session-pool/index.js';
import type { UpstreamCall, UpstreamCalls } from '../calls/index.js';
import { deliverOnce } from '../connections/index.js';
import { readCurrentProfile, type ServerProfile, type UpstreamConnection } from '../upstream/index.js';
import type { SessionSubscriptions, SubscribedResource } from '../subscriptions/index.js';
import type { OpenedStream, SessionHandle } from './session-handle.js';

/** What a local session needs from the worker that owns it. */
export interface LocalOwner {
  readonly calls: UpstreamCalls;
  readonly subscriptions: SessionSubscriptions;
  /** Uses the session's connection to a server, and opens it if necessary. Rejects with a GatewayError. */
  useConnection<T>(
    server: ServerDefinition,
    session: Session,
    work: (connection: UpstreamConnection) => Promise<T>,
  ): Promise<T>;
  /** Opens the connection of a session at the endpoint of one server, if it has none. Never rejects. */
  reconnect(session: Session): Promise<void>;
  /** Throws DeclarationLimitReached when the clients of the principal declare too much. */
  setClient(session: Session, client: ClientProfile): void;
  /** Locates a session that was found here and has been handed off since. Rejects with SessionUnknown. */
  locateMoved(session: Session): Promise<SessionHandle>;
}

/** A session that this worker owns. Over HTTP+SSE it also sends the answers, on the session's single stream. */
export class LocalSession implements SessionHandle {
  readonly location = 'local';

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
  setClient(client: ClientProfile): void {
    this.owner.setClient(this.session, client);
  }

  /** The client has received the result of its handshake, and sends further messages (HTTP+SSE). */
  markInitialized(): void {
    this.session.unsolicited.markInitialized();
    this.subscribeToLists();
  }

  /**
   * Opens the session's connection to a server and returns what the server says about itself now. The session stays at this
   * worker meanwhile. Rejects with a GatewayError.
   */
  async connect(server: ServerDefinition, requestId: RequestId): Promise<ServerProfile> {
    const handshake = this.session.beginCall(requestId, 'initialize');
    const profile = this.owner.useConnection(server, this.session, (connection) => readCurrentProfile(connection));
    const settled = profile.then(ignore, ignore);
    this.session.connecting = settled;
    await settled;
    void handshake.finish(result({}));
    return profile;
  }

  /** Resolves once the connection that a handshake opens stands, or has failed (HTTP+SSE). */
  async whenConnected(): Promise<void> {
    await this.session.connecting;
  }

  call(call: UpstreamCall, sink: StreamSink): Promise<Outcome> {
    // The caller may have waited for a server since it located the session, and the session may have been handed off
    // meanwhile.
    if (this.session.isEnded) return this.owner.locateMoved(this.session).then((session) => session.call(call, sink));
    return this.owner.calls.runInSession(this.session, call, sink);
  }

  async cancel(requestId: RequestId, reason?: string): Promise<void> {
    this.session.cancel(requestId, reason);
  }

  async answer(id: RequestId, answer: Answer): Promise<void> {
    this.session.touch();
    this.session.answerQuestion(id, answer);
  }

  async notify(notification: McpNotification, server?: ServerDefinition): Promise<void> {
    if (server) return this.notifyOne(server, notification);
    this.session.touch();
    // Its server must receive it, also after the connection was lost or the session was handed off.
    if (!this.session.isConnected) await this.owner.reconnect(this.session);
    await this.session.notifyServers(notification);
  }

  /** Not every server has a connection that belongs to the session. */
  private async notifyOne(server: ServerDefinition, notification: McpNotification): Promise<void> {
    if (this.session.isEnded) return (await this.owner.locateMoved(this.session)).notify(notification, server);
    this.session.touch();
    await deliverOnce(() =>
      this.owner.useConnection(server, this.session, (connection) => connection.notify(notification)),
    );
  }

  async touch(): Promise<void> {
    this.session.touch();
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    if (this.session.isEnded) return (await this.owner.locateMoved(this.session)).setLogLevel(level);
    this.session.logLevel = level;
  }

  async subscribe(resource: SubscribedResource): Promise<void> {
    if (this.session.isEnded) return (await this.owner.locateMoved(this.session)).subscribe(resource);
    return this.owner.subscriptions.subscribe(this.session, resource);
  }

  unsubscribe(resource: SubscribedResource): Promise<void> {
    return this.owner.subscriptions.unsubscribe(this.session, resource);
  }

  async openStream(sink: StreamSink, lastEventId?: string): Promise<OpenedStream> {
    this.session.touch();
    const stream = lastEventId ? this.session.resume(lastEventId, sink) : this.session.openServerStream(sink);
    // Over HTTP+SSE the client has not been initialized yet; upstream sessions must not be opened before.
    if (!this.session.start.answersOnServerStream) this.subscribeToLists();
    return {
      isServerStream: stream !== undefined && stream === this.session.serverStream,
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
    return this.session.whenAllAnswered();
  }

  /** Accepts no further request, and ends once those that it accepted are answered (HTTP+SSE). */
  retire(): void {
    this.session.retire();
  }

  async end(): Promise<void> {
    this.session.end();
  }

  /** Subscribes to list changes once there is a server stream to send them on. */
  private subscribeToLists(): void {
    if (this.session.serverStream) this.owner.subscriptions.subscribeToLists(this.session);
  }
}

const ignore = (): void => undefined;
