import type { McpNotification } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import type { Session } from '../session-pool/index.js';
import type { Sharing } from './sharing.js';

let lastSerial = 0;

/** A connection and those who use it. Without a sharing it serves one request and is closed after it. */
export class PoolEntry implements ConnectionEvents {
  /** Numbers the connections of this process in the order in which they were asked for. */
  readonly serial = (lastSerial += 1);
  users = 0;
  idleSince = Date.now();
  /** Handed out no more; closed once its last user is gone. */
  isRetired: boolean;
  connection: UpstreamConnection | undefined;
  opening!: Promise<UpstreamConnection>;
  /** Incarnation of the worker that has the connection, when that is another one. */
  remoteWorker: string | undefined;
  /** Among whose sessions at the server it counts. */
  quotaKey: string | undefined;
  /** Its end is that of the sessions that have nothing else. */
  endsSessions = false;
  private isFinished = false;
  private readonly slotReleases: (() => void)[] = [];
  /** Its holders have been told to look for another one; so is whoever comes late. */
  private hasNotifiedHolders = false;
  private readonly sessions = new Map<Session, () => void>();
  private holders: Set<() => void> | undefined;
  private notificationListeners: Set<(notification: McpNotification) => void> | undefined;

  constructor(
    readonly server: ServerDefinition,
    readonly sharing: Sharing | undefined,
    private readonly onFinished: (entry: PoolEntry) => void,
    private readonly retireAmbiguous: (entry: PoolEntry) => void = () => undefined,
  ) {
    this.isRetired = sharing === undefined;
  }

  /** True while nobody would notice its end. */
  get isIdle(): boolean {
    return this.users === 0 && this.sessions.size === 0;
  }

  notify(notification: McpNotification): void {
    // What belongs to no call may still tell of one, and here it could be anybody's.
    if (this.sharing?.sharedBy === 'all') return;
    for (const session of this.sessions.keys()) session.notify(notification);
    for (const hear of this.notificationListeners ?? []) hear(notification);
  }

  /** What is one principal's alone stays, with what its server keeps for it. */
  ambiguousQuestion(): void {
    if (this.sharing?.sharedBy === 'all' && !this.isRetired) this.retireAmbiguous(this);
  }

  /** The connection ended by itself. Where it was all that a session had, the session has lost its state too. */
  closed(): void {
    this.endsSessions = true;
    this.finish();
    this.notifyHolders();
  }

  /** A session hears of what the connection says by itself, and its client's own notifications go there. */
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

  /** Calls back once when the connection can serve no longer. Returns how to take that back. */
  addHolder(listener: () => void): () => void {
    if (this.isFinished || this.hasNotifiedHolders) listener();
    else (this.holders ??= new Set()).add(listener);
    return () => void this.holders?.delete(listener);
  }

  /** Calls back with what the server says outside of any call. Returns how to take that back. */
  addNotificationListener(listener: (notification: McpNotification) => void): () => void {
    (this.notificationListeners ??= new Set()).add(listener);
    return () => void this.notificationListeners?.delete(listener);
  }

  /** Whoever holds the connection for long has to look for another one. */
  notifyHolders(): void {
    const { holders } = this;
    this.hasNotifiedHolders = true;
    this.holders = undefined;
    for (const tell of holders ?? []) tell();
  }

  /** It has taken a place, which is given back at its end. */
  holdSlot(giveBack: () => void): void {
    if (this.isFinished) giveBack();
    else this.slotReleases.push(giveBack);
  }

  /** The connection is gone, or was never there. Idempotent. */
  finish(): void {
    if (this.isFinished) return;
    this.isFinished = true;
    const bereft = this.endsSessions
      ? [...this.sessions.keys()].filter((session) => this.isOnlyConnectionOf(session))
      : [];
    for (const leave of this.sessions.values()) leave();
    this.sessions.clear();
    this.onFinished(this);
    for (const giveBack of this.slotReleases) giveBack();
    for (const session of bereft) session.end();
  }

  /** Behind a transparent endpoint a session has no other upstream session. */
  private isOnlyConnectionOf({ start }: Session): boolean {
    return this.sharing?.sharedBy === 'session' && start.endpoint === this.server.slug;
  }
}
