import { Injectable, Logger, Optional } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import type { Era, Outcome } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { ServerRegistry, type RegistrySnapshot, type ServerDefinition } from '../registry/index.js';
import {
  COMMON_ACCOUNT,
  CredentialSource,
  EntryCredentials,
  UpstreamConnector,
  type ServerProfile,
  type UpstreamConnection,
  type UpstreamSessionState,
} from '../upstream/index.js';
import { ConnectAttempts, untilAborted } from './connect-attempts.js';
import { ConnectionOpener } from './connection-opener.js';
import { ConnectionTable, type ConnectionCounts } from './connection-table.js';
import { EndedSessions } from './ended-sessions.js';
import { EraDetection } from './era-detection.js';
import { toHeldConnection, type HeldConnection, type HoldOptions } from './held-connection.js';
import { LocalPlacement, Placement } from './placement.js';
import { ConnectionSlots } from './connection-slots.js';
import { KnownServers } from './known-servers.js';
import { PoolEntry, type PoolEntryPorts } from './pool-entry.js';
import { pingProcesses } from './process-pings.js';
import { ConnectionsConfig } from './connections.config.js';
import { ServerReconfigured } from './connections.errors.js';
import { UpstreamSessionHandoff } from './upstream-session-handoff.js';
import type { Session } from '../session-pool/index.js';
import { CallTracer } from '../telemetry/index.js';
import { toPage, type ViewPage } from '../workers/index.js';
import { toUpstreamView, type UpstreamView } from './upstream-view.js';
import { clientEraOf, resolveSharing, toCallIdentity, type Sharing, type ConnectionScope } from './sharing.js';

const EVICTION_INTERVAL_MS = 15_000;
const NO_CREDENTIALS = new CredentialSource(new EntryCredentials());

/**
 * The upstream sessions and child processes of this worker, by the clients that they may serve (`resolveSharing`). With
 * several workers, one worker owns each connection that a principal or all clients share at a legacy server or a child
 * process. The entry on every other worker is a lease on the owner's connection.
 */
@Injectable()
export class UpstreamPool {
  readonly endedSessions = new EndedSessions();
  private readonly logger = new Logger(UpstreamPool.name);
  private readonly table = new ConnectionTable();
  private readonly attempts: ConnectAttempts;
  private readonly closing = new Set<Promise<void>>();
  private readonly slots: ConnectionSlots;
  private readonly opener: ConnectionOpener;
  private readonly eras: EraDetection;
  private readonly handoff: UpstreamSessionHandoff;
  private readonly entryPorts: PoolEntryPorts;
  private readonly known = new KnownServers();
  private currentDefinitions: ReadonlySet<ServerDefinition>;
  private readonly cancelEviction: () => void;
  private readonly unsubscribes: readonly (() => void)[];

  constructor(
    private readonly connector: UpstreamConnector,
    private readonly config: ConnectionsConfig,
    registry: ServerRegistry,
    private readonly clock: Clock,
    @Optional() private readonly placement: Placement = new LocalPlacement(),
    @Optional() tracer?: CallTracer,
    @Optional() private readonly credentials: CredentialSource = NO_CREDENTIALS,
  ) {
    this.attempts = new ConnectAttempts(clock);
    const retire = (entry: PoolEntry) => this.retireAndNotify(entry);
    this.entryPorts = { clock, tracer, onFinished: (entry) => this.finish(entry), retireAmbiguous: retire };
    this.slots = new ConnectionSlots(config, this.table, this.known, clock, retire);
    this.eras = new EraDetection(connector, this.known, this.attempts, credentials);
    this.handoff = new UpstreamSessionHandoff(this.table, registry, connector, credentials, {
      createEntry: (server, sharing, account) => new PoolEntry(server, sharing, this.entryPorts, account),
      connect: (entry, session, connection) => this.connectRestored(entry, session, connection),
      retire: (entry) => this.retire(entry),
      endedSessions: this.endedSessions,
      clock,
    });
    const { slots, attempts, handoff } = this;
    this.opener = new ConnectionOpener(connector, placement, slots, attempts, clock, credentials, handoff);
    this.currentDefinitions = new Set(registry.snapshot.servers);
    this.cancelEviction = clock.every(EVICTION_INTERVAL_MS, () => this.evictIdle(clock.now()));
    this.unsubscribes = [
      registry.onChange((now, before) => this.retireChanged(now, before)),
      placement.onChange(() => this.retireOfDeadWorkers()),
    ];
  }

  /** Runs work on a connection. Rejects with a GatewayError if none can be opened. */
  async use<T>(
    server: ServerDefinition,
    scope: ConnectionScope,
    work: (connection: UpstreamConnection) => Promise<T>,
    options: HoldOptions = {},
  ): Promise<T> {
    const { connection, release } = this.holdOpen(server, scope, options) ?? (await this.hold(server, scope, options));
    try {
      return await work(connection);
    } finally {
      release();
    }
  }

  /** The way of most calls: a connection that is open already, without what only long-lived holders need. */
  private holdOpen(
    server: ServerDefinition,
    scope: ConnectionScope,
    options: HoldOptions,
  ): Pick<HeldConnection, 'connection' | 'release'> | undefined {
    const era = this.known.eraOf(server, clientEraOf(server, scope));
    if (era === undefined || !this.currentDefinitions.has(server)) return undefined;
    const sharing = resolveSharing(server, era, scope, this.credentials.accountOf(server, scope.caller));
    const entry = this.findReusable(sharing, scope, options);
    const connection = entry?.connection;
    if (entry === undefined || connection?.profile.era !== era) return undefined;
    const release = this.addUser(entry);
    if (scope.session && this.table.belongsToSessions(entry, connection))
      this.attachSession(entry, scope.session, connection);
    return { connection, release };
  }

  /** Holds a connection until it is released, for long-lived use such as subscriptions. Rejects with a GatewayError. */
  async hold(server: ServerDefinition, scope: ConnectionScope, options: HoldOptions = {}): Promise<HeldConnection> {
    const timed = { startedAt: this.clock.monotonicNow(), ...options };
    const clientEra = clientEraOf(server, scope);
    const known = this.known.eraOf(server, clientEra);
    const era = known ?? (await untilAborted(this.detectEra(server, scope), options.signal));
    // An outdated definition must not revive a retired connection with its old address or credentials (invariant 1).
    if (!this.currentDefinitions.has(server)) throw new ServerReconfigured(server.slug);
    const account = this.accountOf(server, scope.caller);
    const sharing = resolveSharing(server, era, scope, account);
    const entry = this.findReusable(sharing, scope, options) ?? this.open(server, scope, { sharing, account }, timed);
    const release = this.addUser(entry);
    try {
      const connection = entry.connection ?? (await untilAborted(entry.opening, options.signal));
      if (era !== connection.profile.era)
        return await this.holdInEra(connection.profile.era, entry, scope, release, timed);
      if (scope.session && this.table.belongsToSessions(entry, connection))
        this.attachSession(entry, scope.session, connection);
      return toHeldConnection(entry, connection, release);
    } catch (cause) {
      release();
      throw cause;
    }
  }

  /**
   * Releases a session's own upstream sessions, so that another worker can continue them; the end of the session then closes
   * none of them. The session must have no in-flight calls. Returns undefined, and releases none, if one cannot move.
   */
  releaseForHandoff(session: Session): UpstreamSessionState[] | undefined {
    return this.handoff.release(session);
  }

  /** True if one of the session's own upstream sessions cannot move: a child process of its own, or HTTP+SSE. */
  isBoundToWorker(session: Session): boolean {
    return this.handoff.isBoundToWorker(session);
  }

  /**
   * Restores the upstream sessions that another worker released, before the session's first call here. An upstream
   * session that the configuration of this worker does not allow is skipped; the next call opens a new one.
   */
  restore(session: Session, states: readonly UpstreamSessionState[]): void {
    this.handoff.restore(session, states);
  }

  /** Returns the era in which a server serves a client, if it is already known. */
  eraOf(server: ServerDefinition, scope: Pick<ConnectionScope, 'clientEra'> = {}): Era | undefined {
    return this.known.eraOf(server, clientEraOf(server, scope));
  }

  /**
   * Returns a key that is equal for all clients that may share the server's connection with this one. Undefined if no
   * other client may. Rejects with a GatewayError if the server cannot be reached.
   */
  async sharingKeyOf(server: ServerDefinition, scope: ConnectionScope): Promise<string | undefined> {
    const era = this.known.eraOf(server, clientEraOf(server, scope)) ?? (await this.detectEra(server, scope));
    return resolveSharing(server, era, scope, this.accountOf(server, scope.caller))?.key;
  }

  /** Returns the server's last known profile, or the one of a new connection. Rejects with a GatewayError. */
  async profileOf(server: ServerDefinition, scope: ConnectionScope): Promise<ServerProfile> {
    const known = this.hasCommonCredentials(server, scope.caller)
      ? this.known.profileOf(server, clientEraOf(server, scope))
      : undefined;
    return known ?? this.use(server, scope, async ({ profile }) => profile);
  }

  /** True if the credentials of the gateway at a server do not depend on the caller, as far as is known. */
  hasCommonCredentials(server: ServerDefinition, caller: Caller): boolean {
    try {
      return this.accountOf(server, caller) === COMMON_ACCOUNT;
    } catch {
      return false;
    }
  }

  /** Identifies the credentials of a caller at a server. Throws a GatewayError if the strategy of an extension fails. */
  accountOf(server: ServerDefinition, caller: Caller): string {
    return this.credentials.accountOf(server, caller);
  }

  /** Pings the child processes of the server that this worker runs; one answer suffices. Undefined if none runs. */
  pingProcesses(server: string, signal: AbortSignal): Promise<Outcome> | undefined {
    return pingProcesses(this.table.entries, server, signal);
  }

  /** Returns one page of the reusable connections, for administrators. */
  list(page: ViewPage): UpstreamView[] {
    const views = this.table.entries.flatMap((entry) => toUpstreamView(entry) ?? []);
    return toPage(views, page);
  }

  get counts(): ConnectionCounts {
    return this.table.counts;
  }

  /** Retires a connection; its last call also ends the sessions that have no other. Returns false if it is not here. */
  closeBySerial(serial: number): boolean {
    const entry = this.table.entries.find((known) => known.serial === serial);
    if (!entry) return false;
    entry.endsSessions = true;
    this.retireAndNotify(entry);
    return true;
  }

  /** Closes the connections that have been idle for longer than `ISTHMUS_UPSTREAM_IDLE`. */
  evictIdle(now: number): void {
    for (const entry of this.table.entries) {
      if (entry.isIdle && now - entry.idleSince > this.config.upstreamIdleMs) this.retire(entry);
    }
  }

  /** Closes the connections, and what opens them. */
  async close(): Promise<void> {
    this.cancelEviction();
    for (const stop of this.unsubscribes) stop();
    for (const entry of this.table.entries) this.retire(entry);
    // Servers must learn of the end of their sessions, or they would keep them.
    await Promise.all(this.closing);
    await this.connector.shutdown();
  }

  /** Detects the era of a server. Rejects with a GatewayError if the server cannot be reached. */
  async detectEra(
    server: ServerDefinition,
    scope: Pick<ConnectionScope, 'caller' | 'client'> & Partial<ConnectionScope>,
  ): Promise<Era> {
    return this.eras.detect(server, scope);
  }

  /**
   * Retries after the server turned out to be of another era than expected: an upstream session must not be shared by all
   * clients, as a modern connection would be (invariant 4), and a modern connection need not belong to a session.
   */
  private holdInEra(
    era: Era,
    entry: PoolEntry,
    scope: ConnectionScope,
    release: () => void,
    options: HoldOptions,
  ): Promise<HeldConnection> {
    this.retire(entry);
    release();
    this.known.setEra(entry.server, clientEraOf(entry.server, scope), era);
    return this.hold(entry.server, scope, { ...options, isOfOtherEra: true });
  }

  private findReusable(
    sharing: Sharing | undefined,
    scope: ConnectionScope,
    { forceLocal, isBlocked }: HoldOptions,
  ): PoolEntry | undefined {
    const entry = sharing && this.table.find(sharing, toCallIdentity(scope));
    if (!entry || (entry.remoteWorker === undefined && (forceLocal || !entry.isMisplaced))) return entry;
    // The owner worker selects the connection with which each lease begins.
    if (isBlocked) return undefined;
    if (!forceLocal && !entry.isMisplaced) return entry;
    // It leases another worker's connection although, according to the others, this worker is the owner now; or it is misplaced.
    this.retire(entry);
    return undefined;
  }

  private open(
    server: ServerDefinition,
    scope: ConnectionScope,
    { sharing, account }: { readonly sharing: Sharing | undefined; readonly account: string },
    { forceLocal, isBlocked, isOfOtherEra, startedAt }: HoldOptions & { readonly startedAt: number },
  ): PoolEntry {
    const entry = new PoolEntry(server, sharing, this.entryPorts, account);
    entry.principal = scope.caller.key;
    entry.openedFor = scope.session;
    if (forceLocal) entry.expectLease();
    if (forceLocal && isOfOtherEra && sharing?.isPlaced)
      entry.isMisplaced = this.placement.ownerOf(sharing.key, server) !== undefined;
    // A connection that another worker requested counts there, where an idle one can be evicted.
    if (!forceLocal) this.slots.acquireSession(entry, scope);
    entry.remoteWorker = sharing?.isPlaced && !forceLocal ? this.placement.ownerOf(sharing.key, server) : undefined;
    entry.opening = this.opener.open(entry, scope, startedAt).then(
      (connection) => {
        entry.connect(connection);
        this.known.setProfile(server, clientEraOf(server, scope), connection.profile, account);
        if (!this.table.belongsToSessions(entry, connection)) entry.openedFor = undefined;
        // Nobody may wait for it any more, and an entry of one request has no other moment to be closed.
        if (entry.isRetired) this.closeUnused(entry);
        return connection;
      },
      (cause: unknown) => {
        entry.finish();
        throw cause;
      },
    );
    // Every user awaits `opening`. If all of them have left, its failure must not become an unhandled rejection.
    entry.opening.catch(() => undefined);
    // A lease that avoids a blocked connection serves one request.
    if (isBlocked && entry.remoteWorker !== undefined) entry.isRetired = true;
    else if (sharing) this.table.add(sharing, entry);
    return entry;
  }

  private connectRestored(entry: PoolEntry, session: Session, connection: UpstreamConnection): void {
    const clientEra = clientEraOf(entry.server, { session });
    if (!this.known.profileOf(entry.server, clientEra))
      this.known.setProfile(entry.server, clientEra, connection.profile, entry.account);
    this.attachSession(entry, session, connection);
    if (entry.isRetired) this.closeUnused(entry);
  }

  private attachSession(entry: PoolEntry, session: Session, connection: UpstreamConnection): void {
    const isOwn = entry.sharing?.sharedBy === 'session';
    if (session.isEnded && isOwn) this.retire(entry);
    else entry.attachSession(session, connection, () => isOwn && this.retire(entry));
  }

  private addUser(entry: PoolEntry): () => void {
    let isActive = true;
    entry.users += 1;
    return () => {
      if (!isActive) return;
      isActive = false;
      entry.users -= 1;
      entry.idleSince = this.clock.now();
      if (entry.isRetired) this.closeUnused(entry);
    };
  }

  /** Accepts no new user for the entry and closes it after its last call. */
  private retire(entry: PoolEntry): void {
    this.remove(entry);
    entry.isRetired = true;
    this.closeUnused(entry);
  }

  /** Also notifies long-lived holders, which then acquire another connection. */
  private retireAndNotify(entry: PoolEntry): void {
    this.retire(entry);
    entry.notifyHolders();
  }

  private finish(entry: PoolEntry): void {
    this.remove(entry);
    this.endedSessions.report(entry, this.clock.monotonicNow());
  }

  private remove(entry: PoolEntry): void {
    if (entry.sharing) this.table.remove(entry.sharing, entry);
  }

  private closeUnused(entry: PoolEntry): void {
    if (entry.users > 0 || !entry.connection) return;
    entry.finish();
    const closing = entry.connection
      .close()
      .catch((cause: unknown) => this.logger.warn(`Failed to close an upstream connection: ${String(cause)}`))
      .finally(() => this.closing.delete(closing));
    this.closing.add(closing);
  }

  /** The connections of a dead worker died with it. */
  private retireOfDeadWorkers(): void {
    const lost = this.table.entries.filter(
      ({ remoteWorker: worker }) => worker !== undefined && this.placement.isDead(worker),
    );
    for (const entry of lost) this.retireAndNotify(entry);
  }

  private retireChanged(now: RegistrySnapshot, before: RegistrySnapshot): void {
    this.currentDefinitions = new Set(now.servers);
    const changed = before.servers.filter((server) => !this.currentDefinitions.has(server));
    for (const server of changed) {
      const retiring = this.table.entries.filter((entry) => entry.server === server);
      for (const entry of retiring) this.retire(entry);
      this.connector.evict(server.slug);
      for (const entry of retiring) entry.notifyHolders();
    }
  }
}
