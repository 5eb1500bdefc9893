import {
  isTaskNotification,
  isUnknownQuestion,
  RpcCode,
  type Answer,
  type McpNotification,
  type Question,
} from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import type { ServerDefinition } from '../registry/index.js';
import {
  COMMON_ACCOUNT,
  type ConnectionEvents,
  type UpstreamConnection,
  type UpstreamSessionState,
} from '../upstream/index.js';
import type { Session } from '../session-pool/index.js';
import type { CallTracer } from '../telemetry/index.js';
import { clientOf, isSession, type Sharing } from './sharing.js';

/** Maximum number of messages that wait until the worker for which the connection was opened has its lease. */
const MAX_EARLY_MESSAGES = 100;

/** Answers a question outside any call, or returns undefined if it does not know whom to ask. */
export type QuestionListener = NonNullable<ConnectionEvents['question']>;

/** What an entry needs of its pool. */
export interface PoolEntryPorts {
  readonly clock: Clock;
  readonly tracer: CallTracer | undefined;
  onFinished(entry: PoolEntry): void;
  retireAmbiguous(entry: PoolEntry): void;
}

let lastSerial = 0;

/** A connection with its users. Without a sharing it serves one request and is closed after it. */
export class PoolEntry implements ConnectionEvents {
  /** Number of the connection within this process, in order of request. */
  readonly serial = (lastSerial += 1);
  users = 0;
  /** Number of the users that only wait for their next call, such as the leases of other workers. */
  private waitingUsers = 0;
  idleSince: number;
  /** True once the entry accepts no new user. It is closed after its last user leaves. */
  isRetired: boolean;
  connection: UpstreamConnection | undefined;
  opening!: Promise<UpstreamConnection>;
  /** When the connection was opened here, on the clock's monotonic time. Undefined once another worker continues it. */
  openedAt: number | undefined;
  /** Incarnation of the worker that owns the connection, if that is another one. */
  remoteWorker: string | undefined;
  /** Opened for another worker that expected another era; in the era of the server another worker is the owner. */
  isMisplaced = false;
  /** Key of the principal for whom the connection was opened. */
  principal: string | undefined;
  /** Key under which the entry counts towards the limit of upstream sessions per principal. */
  quotaKey: string | undefined;
  /**
   * The session for which the connection is opened. It receives what the server sends before it is attached, or, over a connection
   * that belongs to no session, before the connection is open.
   */
  openedFor: Session | undefined;
  /** What the server sent before the other worker for which the connection was opened has its lease. */
  private early: (() => void)[] | undefined;
  /** True if its end also ends the sessions that have no other connection. */
  endsSessions = false;
  private isFinished = false;
  private readonly slotReleases: (() => void)[] = [];
  /** True once the holders were notified. A holder that is added later is notified at once. */
  private hasNotifiedHolders = false;
  private readonly sessions = new Map<Session, () => void>();
  private holders: Set<() => void> | undefined;
  private notificationListeners: Set<(notification: McpNotification) => void> | undefined;
  private questionListeners: Set<QuestionListener> | undefined;

  constructor(
    readonly server: ServerDefinition,
    readonly sharing: Sharing | undefined,
    private readonly ports: PoolEntryPorts,
    /** Identifies the credentials of the connection (`CredentialSource.accountOf`). */
    readonly account = COMMON_ACCOUNT,
  ) {
    this.idleSince = ports.clock.now();
    this.isRetired = sharing === undefined;
  }

  connect(connection: UpstreamConnection): void {
    this.connection = connection;
    this.openedAt = this.ports.clock.monotonicNow();
  }

  /** Detaches the session at the server, so that another worker can continue it. Undefined without a session to continue. */
  detachSession(): UpstreamSessionState | undefined {
    const state = this.connection?.detachSession?.();
    if (state) this.openedAt = undefined;
    return state;
  }

  /** True while the connection has no user and no session. */
  get isIdle(): boolean {
    return this.users === 0 && this.sessions.size === 0;
  }

  /**
   * True for an open connection without a call or subscription. Sessions, also those of other workers, may still use it
   * for their next call.
   */
  get isUnused(): boolean {
    return this.users === this.waitingUsers && this.connection !== undefined;
  }

  /** One of the users waits for its next call from now on, or no longer does. */
  setUserWaiting(isWaiting: boolean): void {
    this.waitingUsers += isWaiting ? 1 : -1;
    if (isWaiting) this.idleSince = this.ports.clock.now();
  }

  /** True for an open connection that no other worker can continue: a child process, or HTTP+SSE. */
  get isBoundToWorker(): boolean {
    if (!this.connection || this.connection.detachSession) return false;
    return this.connection.profile.era === 'legacy' || this.server.transport === 'stdio';
  }

  /** True for an open connection to a child process of this worker. */
  get hasProcess(): boolean {
    const { connection, server, remoteWorker } = this;
    return server.transport === 'stdio' && remoteWorker === undefined && connection?.closed === false;
  }

  get callsMayMove(): boolean {
    return this.sharing?.sharedBy === 'all';
  }

  notify(notification: McpNotification): void {
    // A notification outside any call may still reveal another client's call (invariant 2). The state of a task is sent under
    // the id that its owner knows, which only the calls of the owner can tell.
    if (this.sharing?.sharedBy === 'all' || isTaskNotification(notification.method)) return;
    if (this.keepEarly(() => this.notify(notification))) return;
    for (const session of this.receivers) session.notifyFrom(this.server.slug, notification);
    for (const listener of this.notificationListeners ?? []) listener(notification);
  }

  /**
   * Asks the only session, or the only other worker, that uses the connection (invariant 2), or the session that is the
   * given client.
   */
  question(question: Question, signal: AbortSignal, client?: string): Promise<Answer> | undefined {
    if (this.sharing === undefined || this.sharing.sharedBy === 'all') return undefined;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    if (this.keepEarly(() => resolve(this.question(question, signal, client) ?? UNCLAIMED_QUESTION))) return promise;
    const known = client === undefined ? undefined : this.receivers.find((session) => clientOf(session) === client);
    if (known) return this.questionSession(known, question, signal);
    // A client without a session is asked over its call.
    if (client !== undefined && !isSession(client)) return undefined;
    const sessions = client === undefined ? this.receivers : [];
    const listeners = sessions.map(
      (session): QuestionListener =>
        (asked, withdrawal) =>
          this.questionSession(session, asked, withdrawal),
    );
    const [listener, ...others] = [...listeners, ...(this.questionListeners ?? [])];
    return others.length > 0 ? undefined : listener?.(question, signal, client);
  }

  private questionSession(session: Session, question: Question, signal: AbortSignal): Promise<Answer> | undefined {
    const { slug } = this.server;
    const { access } = session;
    if (!access.showsServer(session, slug)) return undefined;
    if (isUnknownQuestion(question.method) && !access.passesUnknownMethods(session, slug))
      return Promise.resolve(METHOD_NOT_FOUND);
    const server = { notify: async (progress: McpNotification) => (await this.opening).notify(progress) };
    const ask = (asked: Question) => session.unsolicited.ask(asked, signal, server);
    const { tracer } = this.ports;
    return tracer ? tracer.traceQuestion({ server: this.server.slug, question }, ask) : ask(question);
  }

  private get receivers(): readonly Session[] {
    if (this.sessions.size > 0) return [...this.sessions.keys()];
    return this.openedFor === undefined || this.openedFor.isEnded ? [] : [this.openedFor];
  }

  /** The connection is opened for another worker, whose lease begins once it is open. */
  expectLease(): void {
    this.early = [];
  }

  private keepEarly(deliver: () => void): boolean {
    if (this.early === undefined || this.early.length >= MAX_EARLY_MESSAGES) return false;
    this.early.push(deliver);
    return true;
  }

  /** Somebody can receive what the server has sent so far. */
  private deliverEarly(): void {
    const { early } = this;
    this.early = undefined;
    for (const deliver of early ?? []) deliver();
  }

  /**
   * Retires a connection that all clients share. One principal's own connection stays, with its state at the server.
   */
  ambiguousQuestion(): void {
    if (this.sharing?.sharedBy === 'all' && !this.isRetired) this.ports.retireAmbiguous(this);
  }

  /** The connection closed. Its sessions go on: their next call opens another one. */
  closed(): void {
    this.finish();
    this.notifyHolders();
  }

  /** Forwards notifications outside any call to the session, and notifications of its client to the server. */
  attachSession(session: Session, connection: UpstreamConnection, onEnd: () => void): void {
    if (this.isFinished || session.isEnded || this.sessions.has(session)) return;
    session.addConnection(connection);
    this.openedFor = undefined;
    const stop = session.onEnd(() => {
      this.sessions.delete(session);
      onEnd();
    });
    this.sessions.set(session, () => {
      stop();
      session.removeConnection(connection);
    });
    this.deliverEarly();
  }

  /** Calls the listener once when the connection is no longer usable. Returns a function that removes it. */
  addHolder(listener: () => void): () => void {
    if (this.isFinished || this.hasNotifiedHolders) listener();
    else (this.holders ??= new Set()).add(listener);
    return () => void this.holders?.delete(listener);
  }

  /** Calls the listener with each notification outside any call. Returns a function that removes it. */
  addNotificationListener(listener: (notification: McpNotification) => void): () => void {
    (this.notificationListeners ??= new Set()).add(listener);
    return () => void this.notificationListeners?.delete(listener);
  }

  /** Asks the listener the questions outside any call. Returns a function that removes it. */
  addQuestionListener(listener: QuestionListener): () => void {
    const listeners = (this.questionListeners ??= new Set());
    listeners.add(listener);
    this.deliverEarly();
    return () => void listeners.delete(listener);
  }

  /** Notifies long-lived holders that they must acquire another connection. */
  notifyHolders(): void {
    const { holders } = this;
    this.hasNotifiedHolders = true;
    this.holders = undefined;
    for (const notify of holders ?? []) notify();
  }

  /** Holds a slot until the entry finishes. */
  holdSlot(release: () => void): void {
    if (this.isFinished) release();
    else this.slotReleases.push(release);
  }

  /** The connection is closed or failed to open. Idempotent. */
  finish(): void {
    if (this.isFinished) return;
    this.isFinished = true;
    const orphaned = this.endsSessions
      ? [...this.sessions.keys()].filter((session) => this.isOnlyConnectionOf(session))
      : [];
    for (const detach of this.sessions.values()) detach();
    this.sessions.clear();
    this.ports.onFinished(this);
    for (const release of this.slotReleases) release();
    for (const session of orphaned) session.end();
  }

  /** True for a session of a transparent endpoint: it has no other upstream session. */
  private isOnlyConnectionOf({ start }: Session): boolean {
    return this.sharing?.sharedBy === 'session' && start.endpoint === this.server.slug;
  }
}

const METHOD_NOT_FOUND: Answer = { error: { code: RpcCode.methodNotFound, message: 'Method not found' } };

const UNCLAIMED_QUESTION: Answer = {
  error: { code: RpcCode.invalidRequest, message: 'The question belongs to no request' },
};
