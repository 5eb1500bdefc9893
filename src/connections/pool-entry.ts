import { isTaskNotification, type McpNotification } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import type { ServerDefinition } from '../registry/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import type { Session } from '../session-pool/index.js';
import type { Sharing } from './sharing.js';

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
  /** Incarnation of the worker that owns the connection, if that is another one. */
  remoteWorker: string | undefined;
  /** Key of the principal for whom the connection was opened. */
  principal: string | undefined;
  /** Key under which the entry counts towards the limit of upstream sessions per principal. */
  quotaKey: string | undefined;
  /** True if its end also ends the sessions that have no other connection. */
  endsSessions = false;
  private isFinished = false;
  private readonly slotReleases: (() => void)[] = [];
  /** True once the holders were notified. A holder that is added later is notified at once. */
  private hasNotifiedHolders = false;
  private readonly sessions = new Map<Session, () => void>();
  private holders: Set<() => void> | undefined;
  private notificationListeners: Set<(notification: McpNotification) => void> | undefined;

  constructor(
    readonly server: ServerDefinition,
    readonly sharing: Sharing | undefined,
    private readonly onFinished: (entry: PoolEntry) => void,
    private readonly clock: Clock,
    private readonly retireAmbiguous: (entry: PoolEntry) => void = () => undefined,
  ) {
    this.idleSince = clock.now();
    this.isRetired = sharing === undefined;
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
    if (isWaiting) this.idleSince = this.clock.now();
  }

  /** True for an open connection that no other worker can continue: a child process, or HTTP+SSE. */
  get isBoundToWorker(): boolean {
    if (!this.connection || this.connection.detachSession) return false;
    return this.connection.profile.era === 'legacy' || this.server.transport === 'stdio';
  }

  get callsMayMove(): boolean {
    return this.sharing?.sharedBy === 'all';
  }

  notify(notification: McpNotification): void {
    // A notification outside any call may still reveal another client's call (invariant 2). The state of a task is sent under
    // the id that its owner knows, which only the calls of the owner can tell.
    if (this.sharing?.sharedBy === 'all' || isTaskNotification(notification.method)) return;
    for (const session of this.sessions.keys()) session.notifyFrom(this.server.slug, notification);
    for (const listener of this.notificationListeners ?? []) listener(notification);
  }

  /**
   * Retires a connection that all clients share. One principal's own connection stays, with its state at the server.
   */
  ambiguousQuestion(): void {
    if (this.sharing?.sharedBy === 'all' && !this.isRetired) this.retireAmbiguous(this);
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
    const stop = session.onEnd(() => {
      this.sessions.delete(session);
      onEnd();
    });
    this.sessions.set(session, () => {
      stop();
      session.removeConnection(connection);
    });
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
    this.onFinished(this);
    for (const release of this.slotReleases) release();
    for (const session of orphaned) session.end();
  }

  /** True for a session of a transparent endpoint: it has no other upstream session. */
  private isOnlyConnectionOf({ start }: Session): boolean {
    return this.sharing?.sharedBy === 'session' && start.endpoint === this.server.slug;
  }
}
