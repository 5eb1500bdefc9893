import type { Clock } from '#lib/time';
import type { ServerDefinition, ServerRegistry } from '../registry/index.js';
import type { Session } from '../session-pool/index.js';
import {
  COMMON_ACCOUNT,
  type CredentialSource,
  type ServerCredentials,
  type UpstreamConnection,
  type UpstreamConnector,
  type UpstreamSessionState,
} from '../upstream/index.js';
import type { ConnectionTable } from './connection-table.js';
import { ServerReconfigured } from './connections.errors.js';
import type { EndedSessions } from './ended-sessions.js';
import { KeptSessions, type KeptSession } from './kept-sessions.js';
import type { PoolEntry } from './pool-entry.js';
import { sessionSharing, type Sharing } from './sharing.js';

/** What a handoff needs of the pool. */
export interface HandoffPorts {
  createEntry(server: ServerDefinition, sharing: Sharing, account: string): PoolEntry;
  /** The connection of the entry is open, and belongs to the session. */
  connect(entry: PoolEntry, session: Session, connection: UpstreamConnection): void;
  retire(entry: PoolEntry): void;
  readonly endedSessions: EndedSessions;
  readonly clock: Clock;
}

/** Moves the upstream sessions of a session from one worker to another. */
export class UpstreamSessionHandoff {
  private readonly kept = new KeptSessions();

  constructor(
    private readonly table: ConnectionTable,
    private readonly registry: ServerRegistry,
    private readonly connector: UpstreamConnector,
    private readonly credentials: CredentialSource,
    private readonly ports: HandoffPorts,
  ) {}

  /** Returns undefined, and releases none, if one cannot move. */
  release(session: Session): UpstreamSessionState[] | undefined {
    if (this.isBoundToWorker(session)) return undefined;
    const states: UpstreamSessionState[] = [];
    for (const entry of this.table.ownedBy(session)) {
      const state = entry.detachSession();
      const { account } = entry;
      if (state) states.push(account === COMMON_ACCOUNT ? state : { ...state, account });
      // A connection that is still being opened has served no call yet.
      this.ports.retire(entry);
      entry.finish();
    }
    states.push(...this.kept.takeAll(session).map(({ state }) => state));
    return states;
  }

  /** True if one of the session's own upstream sessions cannot move: a child process of its own, or HTTP+SSE. */
  isBoundToWorker(session: Session): boolean {
    return this.table.ownedBy(session).some((entry) => entry.isBoundToWorker);
  }

  /**
   * Reports an upstream session as ended that the configuration of this worker does not allow. One whose credentials the strategy of an extension
   * does not provide now is kept: the next connection continues it (`continue`), or the next handoff sends it to the next owner.
   */
  restore(session: Session, states: readonly UpstreamSessionState[]): void {
    const since = this.ports.clock.monotonicNow();
    for (const state of states) this.restoreAt(session, { state, since });
  }

  /** Returns a connection that continues the upstream session kept for this entry. Undefined: there is none to continue. */
  continue(
    entry: PoolEntry,
    session: Session | undefined,
    credentials?: ServerCredentials,
  ): UpstreamConnection | undefined {
    const { server, sharing, account } = entry;
    if (session === undefined || sharing?.sharedBy !== 'session') return undefined;
    const kept = this.kept.take(session, server.slug, account);
    if (!kept) return undefined;
    const connection = this.connector.adoptSession(server, session.client, kept.state, entry, credentials);
    if (!connection) this.reportEnd(kept);
    return connection;
  }

  private restoreAt(session: Session, kept: KeptSession): void {
    const { account = COMMON_ACCOUNT, server: slug } = kept.state;
    const server = this.registry.snapshot.servers.find((each) => each.slug === slug);
    const sharing = sessionSharing(slug, session, account);
    if (!server || this.table.has(sharing)) return this.reportEnd(kept);
    const current = this.accountOf(server, session);
    // The upstream session belongs to the account that opened it, and to no other one of the same principal.
    if (current !== undefined && current !== account) return this.reportEnd(kept);
    this.kept.keep(session, kept, (rest) => this.closeKept(session, rest));
    if (current !== undefined) this.connect(session, server, sharing, account);
    else if (session.isEnded) this.reportEnds(session);
  }

  private connect(session: Session, server: ServerDefinition, sharing: Sharing, account: string): void {
    const entry = this.ports.createEntry(server, sharing, account);
    const asked = this.credentials.obtain(server, account, session.caller);
    if (asked === undefined) {
      const connection = this.continue(entry, session);
      if (!connection) return;
      entry.connect(connection);
      entry.opening = Promise.resolve(connection);
    } else {
      entry.opening = this.connectWith(asked, entry, session);
      // Calls await `opening`; without one, its failure must not become an unhandled rejection.
      entry.opening.catch(() => {
        entry.finish();
        if (session.isEnded) this.reportEnds(session);
      });
    }
    this.table.add(sharing, entry);
    if (entry.connection) this.ports.connect(entry, session, entry.connection);
  }

  private async connectWith(
    asked: Promise<ServerCredentials>,
    entry: PoolEntry,
    session: Session,
  ): Promise<UpstreamConnection> {
    const connection = this.continue(entry, session, await asked);
    if (!connection) throw new ServerReconfigured(entry.server.slug);
    entry.connect(connection);
    this.ports.connect(entry, session, connection);
    return connection;
  }

  /** The session has ended: its upstream sessions are continued once more to be closed, or reported as ended. */
  private closeKept(session: Session, rest: readonly KeptSession[]): void {
    for (const kept of rest) this.restoreAt(session, kept);
  }

  private reportEnds(session: Session): void {
    for (const kept of this.kept.takeAll(session)) this.reportEnd(kept);
  }

  private reportEnd({ state, since }: KeptSession): void {
    const { revision } = state.profile;
    const durationMs = this.ports.clock.monotonicNow() - since;
    this.ports.endedSessions.reportKept({ revision, transport: 'http', durationMs });
  }

  /** Undefined if the strategy fails. */
  private accountOf(server: ServerDefinition, { caller }: Session): string | undefined {
    try {
      return this.credentials.accountOf(server, caller);
    } catch {
      return undefined;
    }
  }
}
