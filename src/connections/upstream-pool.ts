import { Injectable, Logger, Optional } from '@nestjs/common';
import { GatewayError, OutcomeError, type GatewayErrorData } from '#lib/extension-kit';
import { errorForEra, type Era } from '#lib/mcp-protocol';
import { ServerRegistry, type RegistrySnapshot, type ServerDefinition } from '../registry/index.js';
import {
  UpstreamConnector,
  type ServerProfile,
  type UpstreamConnection,
  type UpstreamSessionState,
} from '../upstream/index.js';
import { toHeldConnection, type HeldConnection } from './held-connection.js';
import { LocalPlacement, Placement, openLocallyIfUnreachable } from './placement.js';
import { SlotPool } from './slot-pool.js';
import { PoolEntry } from './pool-entry.js';
import { ConnectionsConfig } from './connections.config.js';
import { ServerReconfigured, TooManyProcesses, TooManyUpstreamSessions } from './connections.errors.js';
import type { Session } from '../session-pool/index.js';
import { toPage, type ViewPage } from '../workers/index.js';
import { toUpstreamView, type UpstreamView } from './upstream-view.js';
import { quotaKeyOf, sessionKeyOf, resolveSharing, type Sharing, type ConnectionScope } from './sharing.js';

export type { HeldConnection } from './held-connection.js';
export type { ConnectionScope } from './sharing.js';

/** Options for holding a connection. */
export interface HoldOptions {
  /** Opens the connection on this worker, whatever the placement, because another worker requested it. */
  readonly forceLocal?: boolean;
}

const EVICTION_INTERVAL_MS = 15_000;
const NEVER_ABORTED = new AbortController().signal;

/**
 * The upstream sessions and child processes of this worker, by the clients that they may serve:
 *
 * - a modern server keeps no state about its callers, so one connection serves all;
 * - a legacy server over HTTP gets one upstream session for each session of ours;
 * - child processes, and clients without a session, share by principal and declared capabilities;
 * - `anonymous` is never shared between clients, unless the operator marked the server `shared`.
 *
 * With several workers, one worker owns each connection that a principal or all clients share at a legacy server. The
 * entry on every other worker is a lease on the owner's connection.
 */
@Injectable()
export class UpstreamPool {
  private readonly logger = new Logger(UpstreamPool.name);
  private readonly entries = new Map<string, PoolEntry>();
  private readonly closing = new Set<Promise<void>>();
  private readonly processSlots: SlotPool;
  private readonly sessionSlots: SlotPool;
  /** The era and the profile of a server are valid for one definition of it. */
  private readonly eras = new WeakMap<ServerDefinition, Era>();
  private readonly profiles = new WeakMap<ServerDefinition, ServerProfile>();
  private currentDefinitions: ReadonlySet<ServerDefinition>;
  private readonly evictionTimer: NodeJS.Timeout;
  private readonly unsubscribes: readonly (() => void)[];

  constructor(
    private readonly connector: UpstreamConnector,
    private readonly config: ConnectionsConfig,
    private readonly registry: ServerRegistry,
    @Optional() private readonly placement: Placement = new LocalPlacement(),
  ) {
    this.processSlots = new SlotPool(config.maxChildProcesses);
    this.sessionSlots = new SlotPool(config.maxUpstreamSessionsPerPrincipal);
    this.currentDefinitions = new Set(registry.snapshot.servers);
    this.evictionTimer = setInterval(() => this.evictIdle(Date.now()), EVICTION_INTERVAL_MS).unref();
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
  ): Promise<T> {
    const { connection, release } = await this.hold(server, scope);
    try {
      return await work(connection);
    } finally {
      release();
    }
  }

  /** Holds a connection until it is released, for long-lived use such as subscriptions. Rejects with a GatewayError. */
  async hold(server: ServerDefinition, scope: ConnectionScope, options: HoldOptions = {}): Promise<HeldConnection> {
    const era = this.eras.get(server) ?? (await this.detectEra(server, scope));
    // An outdated definition must not revive a retired connection with its old address or credentials (invariant 1).
    if (!this.currentDefinitions.has(server)) throw new ServerReconfigured(server.slug);
    const sharing = resolveSharing(server, era, scope);
    const entry = this.findReusable(sharing, options) ?? this.open(server, scope, sharing, options);
    const release = this.addUser(entry);
    try {
      const connection = entry.connection ?? (await entry.opening);
      if (era === 'modern' && connection.profile.era === 'legacy')
        return await this.holdAsLegacy(entry, scope, release, options);
      if (scope.session && sharing && connection.profile.era === 'legacy')
        this.attachSession(entry, scope.session, connection);
      return toHeldConnection(entry, connection, release);
    } catch (cause) {
      release();
      throw cause;
    }
  }

  /**
   * Releases a session's own upstream sessions, so that another worker can continue them; the end of the session then
   * closes none of them. The session must have no in-flight calls. Returns undefined, and releases none, if one of them
   * cannot move: a child process of its own, or HTTP+SSE.
   */
  releaseForHandoff(session: Session): UpstreamSessionState[] | undefined {
    const own = [...this.entries.values()].filter(
      ({ server, sharing }) => sharing?.key === sessionKeyOf(server.slug, session),
    );
    if (own.some(({ connection }) => connection && connection.profile.era === 'legacy' && !connection.detachSession)) {
      return undefined;
    }
    const states: UpstreamSessionState[] = [];
    for (const entry of own) {
      const state = entry.connection?.detachSession?.();
      if (state) states.push(state);
      // A connection that is still being opened has served no call yet.
      this.retire(entry);
      entry.finish();
    }
    return states;
  }

  /**
   * Restores the upstream sessions that another worker released, before the session's first call here. An upstream
   * session that the configuration of this worker does not allow is skipped; the next call opens a new one.
   */
  restore(session: Session, states: readonly UpstreamSessionState[]): void {
    for (const state of states) {
      const server = this.registry.snapshot.servers.find(({ slug }) => slug === state.server);
      if (server) this.restoreAt(server, session, state);
    }
  }

  /** Returns the era of a server, if it is already known. */
  eraOf(server: ServerDefinition): Era | undefined {
    return this.eras.get(server);
  }

  /**
   * Returns a key that is equal for all clients that may share the server's connection with this one. Undefined if no
   * other client may. Rejects with a GatewayError if the server cannot be reached.
   */
  async sharingKeyOf(server: ServerDefinition, scope: ConnectionScope): Promise<string | undefined> {
    const era = this.eras.get(server) ?? (await this.detectEra(server, scope));
    return resolveSharing(server, era, scope)?.key;
  }

  /**
   * Returns the server's last known profile, and connects to the server if there is none. Rejects with a GatewayError.
   */
  async profileOf(server: ServerDefinition, scope: ConnectionScope): Promise<ServerProfile> {
    return this.profiles.get(server) ?? this.use(server, scope, async ({ profile }) => profile);
  }

  /** Returns one page of the reusable connections, for administrators. */
  list(page: ViewPage): UpstreamView[] {
    const views = [...this.entries.values()].flatMap((entry) => toUpstreamView(entry) ?? []);
    return toPage(views, page);
  }

  /**
   * Retires a connection; its last call also ends the sessions that have no other connection. Returns false if it is
   * not on this worker.
   */
  closeBySerial(serial: number): boolean {
    const entry = [...this.entries.values()].find((known) => known.serial === serial);
    if (!entry) return false;
    entry.endsSessions = true;
    this.retireAndNotify(entry);
    return true;
  }

  /** Closes the connections that have been idle for longer than `ISTHMUS_UPSTREAM_IDLE`. */
  evictIdle(now: number): void {
    for (const entry of this.entries.values()) {
      if (entry.isIdle && now - entry.idleSince > this.config.upstreamIdleMs) this.retire(entry);
    }
  }

  /** Closes the connections, and what opens them. */
  async close(): Promise<void> {
    clearInterval(this.evictionTimer);
    for (const stop of this.unsubscribes) stop();
    for (const entry of this.entries.values()) this.retire(entry);
    // Servers must learn of the end of their sessions, or they would keep them.
    await Promise.all(this.closing);
    await this.connector.shutdown();
  }

  /** Detects the era of a server. Rejects with a GatewayError if the server cannot be reached. */
  async detectEra(server: ServerDefinition, { client }: Pick<ConnectionScope, 'client'>): Promise<Era> {
    const era = await mapHandshakeErrors(server, this.connector.resolveEra(server, client, NEVER_ABORTED));
    this.eras.set(server, era);
    return era;
  }

  /**
   * Retries after the server turned out to have left the modern era: the upstream session that was opened must not be
   * shared by all clients, as a modern connection would be (invariant 4).
   */
  private holdAsLegacy(
    entry: PoolEntry,
    scope: ConnectionScope,
    release: () => void,
    options: HoldOptions,
  ): Promise<HeldConnection> {
    this.retire(entry);
    release();
    this.eras.set(entry.server, 'legacy');
    return this.hold(entry.server, scope, options);
  }

  private findReusable(sharing: Sharing | undefined, { forceLocal }: HoldOptions): PoolEntry | undefined {
    const entry = sharing && this.entries.get(sharing.key);
    if (!entry || !forceLocal || entry.remoteWorker === undefined) return entry;
    // This entry leases another worker's connection, but according to the other workers this worker is now the owner.
    this.retire(entry);
    return undefined;
  }

  private open(
    server: ServerDefinition,
    scope: ConnectionScope,
    sharing: Sharing | undefined,
    { forceLocal }: HoldOptions,
  ): PoolEntry {
    const entry = new PoolEntry(
      server,
      sharing,
      (finished) => this.remove(finished),
      (ambiguous) => this.retireAndNotify(ambiguous),
    );
    // A connection that another worker requested counts there, where an idle one can be evicted.
    if (!forceLocal) this.acquireSessionSlot(entry, scope);
    const openLocally = async () => {
      entry.remoteWorker = undefined;
      if (server.transport === 'stdio') this.acquireProcessSlot(entry);
      return this.connector.open(server, scope.client, entry, NEVER_ABORTED);
    };
    entry.remoteWorker = sharing?.isPlaced && !forceLocal ? this.placement.ownerOf(sharing.key) : undefined;
    const connecting =
      sharing && entry.remoteWorker !== undefined
        ? this.placement
            .open(entry.remoteWorker, server, scope, sharing, entry)
            .catch(openLocallyIfUnreachable(openLocally))
        : openLocally();
    entry.opening = mapHandshakeErrors(server, connecting).then(
      (connection) => {
        entry.connection = connection;
        this.profiles.set(server, connection.profile);
        this.eras.set(server, connection.profile.era);
        return connection;
      },
      (cause: unknown) => {
        entry.finish();
        throw cause;
      },
    );
    // Every user awaits `opening`. If all of them have left, its failure must not become an unhandled rejection.
    entry.opening.catch(() => undefined);
    if (sharing) this.entries.set(sharing.key, entry);
    return entry;
  }

  private restoreAt(server: ServerDefinition, session: Session, state: UpstreamSessionState): void {
    const sharing = { key: sessionKeyOf(server.slug, session), sharedBy: 'session', isPlaced: false } as const;
    if (this.entries.has(sharing.key)) return;
    const entry = new PoolEntry(server, sharing, (finished) => this.remove(finished));
    const connection = this.connector.adoptSession(server, session.client, state, entry);
    if (!connection) return;
    entry.connection = connection;
    entry.opening = Promise.resolve(connection);
    this.entries.set(sharing.key, entry);
    if (!this.profiles.has(server)) this.profiles.set(server, connection.profile);
    if (!this.eras.has(server)) this.eras.set(server, connection.profile.era);
    this.attachSession(entry, session, connection);
  }

  /** @throws TooManyProcesses if the limit is reached and every process is in use */
  private acquireProcessSlot(entry: PoolEntry): void {
    const { slug } = entry.server;
    const evict = () =>
      this.evictLongestIdle(({ server, remoteWorker: worker }) => server.slug === slug && worker === undefined);
    entry.holdSlot(this.processSlots.acquire(slug, evict, (limit) => new TooManyProcesses(slug, limit)));
  }

  /** @throws TooManyUpstreamSessions if the principal's limit is reached and every session is in use */
  private acquireSessionSlot(entry: PoolEntry, scope: ConnectionScope): void {
    const { server, sharing } = entry;
    const key = quotaKeyOf(server, this.eras.get(server), scope, sharing);
    if (key === undefined) return;
    const evict = () => this.evictLongestIdle((other) => other.quotaKey === key);
    entry.holdSlot(this.sessionSlots.acquire(key, evict, (limit) => new TooManyUpstreamSessions(server.slug, limit)));
    entry.quotaKey = key;
  }

  /** Retires the matching entry that has been idle for longest. */
  private evictLongestIdle(matches: (entry: PoolEntry) => boolean): void {
    const idle = [...this.entries.values()].filter((entry) => entry.isIdle && matches(entry));
    const [longest] = idle.toSorted((one, other) => one.idleSince - other.idleSince);
    if (longest) this.retire(longest);
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
      entry.idleSince = Date.now();
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

  private remove(entry: PoolEntry): void {
    const { sharing } = entry;
    if (sharing && this.entries.get(sharing.key) === entry) this.entries.delete(sharing.key);
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
    const lost = [...this.entries.values()].filter(
      ({ remoteWorker: worker }) => worker !== undefined && this.placement.isDead(worker),
    );
    for (const entry of lost) this.retireAndNotify(entry);
  }

  private retireChanged(now: RegistrySnapshot, before: RegistrySnapshot): void {
    this.currentDefinitions = new Set(now.servers);
    const changed = before.servers.filter((server) => !this.currentDefinitions.has(server));
    for (const server of changed) {
      const retiring = [...this.entries.values()].filter((entry) => entry.server === server);
      for (const entry of retiring) this.retire(entry);
      this.connector.evict(server.slug);
      for (const entry of retiring) entry.notifyHolders();
    }
  }
}

/** Maps errors of our own handshake: error codes about its version or headers do not concern the client's request. */
function mapHandshakeErrors<T>({ slug }: ServerDefinition, handshake: Promise<T>): Promise<T> {
  return handshake.catch((cause: unknown) => {
    if (!(cause instanceof OutcomeError)) throw cause;
    const error = errorForEra(cause.outcome.error, 'legacy', 'initialize');
    if (error === cause.outcome.error) throw cause;
    const { code, message, data } = error;
    throw new GatewayError(code, message, 502, { ...(data as unknown as GatewayErrorData), server: slug });
  });
}
