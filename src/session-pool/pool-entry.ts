import type { McpNotification } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import type { Session } from './session.js';
import type { Sharing } from './sharing.js';

let lastSerial = 0;

/** A connection with its users. Without a sharing it serves one request and is closed after it. */
export class PoolEntry implements ConnectionEvents {
  /** Number of the connection within this process, in order of request. */
  readonly serial = (lastSerial += 1);
  users = 0;
  idleSince = Date.now();
  /** True once the entry accepts no new user. It is closed after its last user leaves. */
  retired: boolean;
  connection: UpstreamConnection | undefined;
  opening!: Promise<UpstreamConnection>;
  /** Incarnation of the worker that owns the connection, if that is another one. */
  place: string | undefined;
  /** Key under which the entry counts towards the limit of upstream sessions per principal. */
  countedFor: string | undefined;
  /** True if its end also ends the sessions that have no other connection. */
  takesSessionsAlong = false;
  private isOver = false;
  private readonly taken: (() => void)[] = [];
  /** True once the holders were notified. A holder that is added later is notified at once. */
  private hasTold = false;
  private readonly sessions = new Map<Session, () => void>();
  private holders: Set<() => void> | undefined;
  private hearers: Set<(notification: McpNotification) => void> | undefined;

  constructor(
    readonly server: ServerDefinition,
    readonly sharing: Sharing | undefined,
    private readonly onOver: (entry: PoolEntry) => void,
    private readonly onDoubt: (entry: PoolEntry) => void = () => undefined,
  ) {
    this.retired = sharing === undefined;
  }

  /** True while the connection has no user and no session. */
  get idle(): boolean {
    return this.users === 0 && this.sessions.size === 0;
  }

  notify(notification: McpNotification): void {
    // A notification outside any call may still reveal another client's call (invariant 11).
    if (this.sharing?.among === 'all') return;
    for (const session of this.sessions.keys()) session.notify(notification);
    for (const hear of this.hearers ?? []) hear(notification);
  }

  /**
   * Retires a connection that all clients share. One principal's own connection stays, with its state at the server.
   */
  doubted(): void {
    if (this.sharing?.among === 'all' && !this.retired) this.onDoubt(this);
  }

  /** The connection closed. A session that had no other connection has lost its state too and ends. */
  closed(): void {
    this.takesSessionsAlong = true;
    this.finish();
    this.tellHolders();
  }

  /** Forwards notifications outside any call to the session, and notifications of its client to the server. */
  follow(session: Session, connection: UpstreamConnection, onEnd: () => void): void {
    if (this.isOver || session.ended || this.sessions.has(session)) return;
    session.join(connection);
    const stop = session.onEnd(() => {
      this.sessions.delete(session);
      onEnd();
    });
    this.sessions.set(session, () => {
      stop();
      session.part(connection);
    });
  }

  /** Calls the listener once when the connection is no longer usable. Returns a function that removes it. */
  addHolder(listener: () => void): () => void {
    if (this.isOver || this.hasTold) listener();
    else (this.holders ??= new Set()).add(listener);
    return () => void this.holders?.delete(listener);
  }

  /** Calls the listener with each notification outside any call. Returns a function that removes it. */
  addHearer(listener: (notification: McpNotification) => void): () => void {
    (this.hearers ??= new Set()).add(listener);
    return () => void this.hearers?.delete(listener);
  }

  /** Notifies long-lived holders that they must acquire another connection. */
  tellHolders(): void {
    const { holders } = this;
    this.hasTold = true;
    this.holders = undefined;
    for (const tell of holders ?? []) tell();
  }

  /** Holds a slot until the entry finishes. */
  takes(giveBack: () => void): void {
    if (this.isOver) giveBack();
    else this.taken.push(giveBack);
  }

  /** The connection is closed or failed to open. Idempotent. */
  finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    const bereft = this.takesSessionsAlong ? [...this.sessions.keys()].filter((session) => this.isAllOf(session)) : [];
    for (const leave of this.sessions.values()) leave();
    this.sessions.clear();
    this.onOver(this);
    for (const giveBack of this.taken) giveBack();
    for (const session of bereft) session.end();
  }

  /** True for a session of a transparent endpoint: it has no other upstream session. */
  private isAllOf({ start }: Session): boolean {
    return this.sharing?.among === 'session' && start.endpoint === this.server.slug;
  }
}
