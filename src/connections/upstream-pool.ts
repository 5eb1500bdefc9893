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

/** How a connection is to be held. */
export interface HoldOptions {
  /** Another worker asks for it: whatever placement says, it is opened here. */
  readonly forceLocal?: boolean;
}

const EVICTION_INTERVAL_MS = 15_000;
const NEVER_ABORTED = new AbortController().signal;

/**
 * The upstream sessions and child processes of this worker, by whom they may serve:
 *
 * - a modern server keeps nothing about its callers, so one connection serves all;
 * - a legacy server over HTTP gets one upstream session for each session of ours;
 * - child processes, and clients without a session, share by principal and declared capabilities;
 * - `anonymous` is never shared between clients, unless the operator marked the server `shared`.
 *
 * Where there are several workers, what principals or everybody share at a legacy server is had by one worker for all,
 * and the entry here is a part in that one's connection.
 */
@Injectable()
export class UpstreamPool {
  private readonly logger = new Logger(UpstreamPool.name);
  private readonly entries = new Map<string, PoolEntry>();
  private readonly closing = new Set<Promise<void>>();
  private readonly processSlots: SlotPool;
  private readonly sessionSlots: SlotPool;
  /** What was learned of a server holds for this definition of it. */
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

  /** Runs work on a connection. Rejects with a GatewayError when none can be opened. */
  async use<T>(
    server: ServerDefinition,
    face: ConnectionScope,
    work: (connection: UpstreamConnection) => Promise<T>,
  ): Promise<T> {
    const { connection, release } = await this.hold(server, face);
    try {
      return await work(connection);
    } finally {
      release();
    }
  }

  /** Keeps a connection until released; subscriptions need it for long. Rejects with a GatewayError. */
  async hold(server: ServerDefinition, face: ConnectionScope, options: HoldOptions = {}): Promise<HeldConnection> {
    const era = this.eras.get(server) ?? (await this.detectEra(server));
    // A definition of yesterday must not bring back what was retired: its address, its credentials.
    if (!this.currentDefinitions.has(server)) throw new ServerReconfigured(server.slug);
    const sharing = resolveSharing(server, era, face);
    const entry = this.findReusable(sharing, options) ?? this.open(server, face, sharing, options);
    const release = this.addUser(entry);
    try {
      const connection = entry.connection ?? (await entry.opening);
      if (era === 'modern' && connection.profile.era === 'legacy')
        return await this.holdAsLegacy(entry, face, release, options);
      if (face.session && sharing && connection.profile.era === 'legacy')
        this.attachSession(entry, face.session, connection);
      return toHeldConnection(entry, connection, release);
    } catch (cause) {
      release();
      throw cause;
    }
  }

  /**
   * Gives a session's own upstream sessions away, so that another worker can go on with them; the session's end closes
   * nothing upstream any more. For a session that serves no calls any more. Undefined, and nothing is given away, when
   * one of them cannot move: a child process of its own, or HTTP+SSE.
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
      // What is still being opened has served nobody yet.
      this.retire(entry);
      entry.finish();
    }
    return states;
  }

  /**
   * Goes on with the upstream sessions that another worker gave away, before the session's first call here. What cannot
   * be gone on with, because the configuration is another one here, is opened anew by the next call.
   */
  restore(session: Session, states: readonly UpstreamSessionState[]): void {
    for (const state of states) {
      const server = this.registry.snapshot.servers.find(({ slug }) => slug === state.server);
      if (server) this.restoreAt(server, session, state);
    }
  }

  /** The era of a server that was spoken to before. */
  eraOf(server: ServerDefinition): Era | undefined {
    return this.eras.get(server);
  }

  /**
   * Who may share what is had of a server on behalf of this face: the same text for all who may. Undefined: nobody.
   * Rejects with a GatewayError when the server cannot be reached.
   */
  async sharingKeyOf(server: ServerDefinition, face: ConnectionScope): Promise<string | undefined> {
    const era = this.eras.get(server) ?? (await this.detectEra(server));
    return resolveSharing(server, era, face)?.key;
  }

  /** What a server said of itself last; asks it now when it has never been spoken to. Rejects with a GatewayError. */
  async profileOf(server: ServerDefinition, face: ConnectionScope): Promise<ServerProfile> {
    return this.profiles.get(server) ?? this.use(server, face, async ({ profile }) => profile);
  }

  /** A part of what can be used again, for those who look after it. */
  list(page: ViewPage): UpstreamView[] {
    const views = [...this.entries.values()].flatMap((entry) => toUpstreamView(entry) ?? []);
    return toPage(views, page);
  }

  /** Hands a connection out no more; with its last call end the sessions that have no other. False: it is not here. */
  closeBySerial(serial: number): boolean {
    const entry = [...this.entries.values()].find((known) => known.serial === serial);
    if (!entry) return false;
    entry.endsSessions = true;
    this.retireAndNotify(entry);
    return true;
  }

  /** Closes what nobody has used for long. */
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
    // Servers are told of the end of their sessions, or they would keep them.
    await Promise.all(this.closing);
    await this.connector.shutdown();
  }

  /** Rejects with a GatewayError when the server cannot be reached. */
  async detectEra(server: ServerDefinition): Promise<Era> {
    const era = await mapHandshakeErrors(server, this.connector.resolveEra(server, NEVER_ABORTED));
    this.eras.set(server, era);
    return era;
  }

  /**
   * The server turned out to have left the modern era. The session that was opened must not serve everybody, as a
   * modern connection would have.
   */
  private holdAsLegacy(
    entry: PoolEntry,
    face: ConnectionScope,
    release: () => void,
    options: HoldOptions,
  ): Promise<HeldConnection> {
    this.retire(entry);
    release();
    this.eras.set(entry.server, 'legacy');
    return this.hold(entry.server, face, options);
  }

  private findReusable(sharing: Sharing | undefined, { forceLocal: here }: HoldOptions): PoolEntry | undefined {
    const entry = sharing && this.entries.get(sharing.key);
    if (!entry || !here || entry.remoteWorker === undefined) return entry;
    // We had a part in another worker's connection; others say now that we are to have it.
    this.retire(entry);
    return undefined;
  }

  private open(
    server: ServerDefinition,
    face: ConnectionScope,
    sharing: Sharing | undefined,
    { forceLocal: here }: HoldOptions,
  ): PoolEntry {
    const entry = new PoolEntry(
      server,
      sharing,
      (over) => this.remove(over),
      (doubtful) => this.retireAndNotify(doubtful),
    );
    // What another worker asks for is counted there, where room can be made.
    if (!here) this.acquireSessionSlot(entry, face);
    const openHere = async () => {
      entry.remoteWorker = undefined;
      if (server.transport === 'stdio') this.acquireProcessSlot(entry);
      return this.connector.open(server, face.client, entry, NEVER_ABORTED);
    };
    entry.remoteWorker = sharing?.isPlaced && !here ? this.placement.ownerOf(sharing.key) : undefined;
    const connecting =
      sharing && entry.remoteWorker !== undefined
        ? this.placement
            .open(entry.remoteWorker, server, face, sharing, entry)
            .catch(openLocallyIfUnreachable(openHere))
        : openHere();
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
    // Every user awaits `opening`; should all have gone, its failure has no one left to tell.
    entry.opening.catch(() => undefined);
    if (sharing) this.entries.set(sharing.key, entry);
    return entry;
  }

  private restoreAt(server: ServerDefinition, session: Session, state: UpstreamSessionState): void {
    const sharing = { key: sessionKeyOf(server.slug, session), sharedBy: 'session', isPlaced: false } as const;
    if (this.entries.has(sharing.key)) return;
    const entry = new PoolEntry(server, sharing, (over) => this.remove(over));
    const connection = this.connector.adoptSession(server, session.client, state, entry);
    if (!connection) return;
    entry.connection = connection;
    entry.opening = Promise.resolve(connection);
    this.entries.set(sharing.key, entry);
    if (!this.profiles.has(server)) this.profiles.set(server, connection.profile);
    if (!this.eras.has(server)) this.eras.set(server, connection.profile.era);
    this.attachSession(entry, session, connection);
  }

  /** @throws TooManyProcesses when the server runs as often as it may, and every process is in use */
  private acquireProcessSlot(entry: PoolEntry): void {
    const { slug } = entry.server;
    const makeRoom = () =>
      this.evictLongestIdle(({ server, remoteWorker: place }) => server.slug === slug && place === undefined);
    entry.holdSlot(this.processSlots.acquire(slug, makeRoom, (limit) => new TooManyProcesses(slug, limit)));
  }

  /** @throws TooManyUpstreamSessions when the principal has as many as it may, and uses all of them */
  private acquireSessionSlot(entry: PoolEntry, face: ConnectionScope): void {
    const { server, sharing } = entry;
    const whose = quotaKeyOf(server, this.eras.get(server), face, sharing);
    if (whose === undefined) return;
    const makeRoom = () => this.evictLongestIdle((other) => other.quotaKey === whose);
    entry.holdSlot(
      this.sessionSlots.acquire(whose, makeRoom, (limit) => new TooManyUpstreamSessions(server.slug, limit)),
    );
    entry.quotaKey = whose;
  }

  /** Ends the one of them that nobody has needed for longest. */
  private evictLongestIdle(isMeant: (entry: PoolEntry) => boolean): void {
    const spare = [...this.entries.values()].filter((entry) => entry.isIdle && isMeant(entry));
    const [longest] = spare.toSorted((one, other) => one.idleSince - other.idleSince);
    if (longest) this.retire(longest);
  }

  private attachSession(entry: PoolEntry, session: Session, connection: UpstreamConnection): void {
    const isOwn = entry.sharing?.sharedBy === 'session';
    if (session.isEnded && isOwn) this.retire(entry);
    else entry.attachSession(session, connection, () => isOwn && this.retire(entry));
  }

  private addUser(entry: PoolEntry): () => void {
    let isInside = true;
    entry.users += 1;
    return () => {
      if (!isInside) return;
      isInside = false;
      entry.users -= 1;
      entry.idleSince = Date.now();
      if (entry.isRetired) this.closeUnused(entry);
    };
  }

  /** Hands the entry out no more; closes it once its last call is answered. */
  private retire(entry: PoolEntry): void {
    this.remove(entry);
    entry.isRetired = true;
    this.closeUnused(entry);
  }

  /** And whoever holds it for long looks for another one now. */
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
      .catch((cause: unknown) => this.logger.warn(`Closing an upstream connection failed: ${String(cause)}`))
      .finally(() => this.closing.delete(closing));
    this.closing.add(closing);
  }

  /** What another worker had is gone with it. */
  private retireOfDeadWorkers(): void {
    const lost = [...this.entries.values()].filter(
      ({ remoteWorker: place }) => place !== undefined && this.placement.isDead(place),
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

/** What a server says to a handshake of ours answers no client: its codes about versions and headers are not theirs. */
function mapHandshakeErrors<T>({ slug }: ServerDefinition, handshake: Promise<T>): Promise<T> {
  return handshake.catch((cause: unknown) => {
    if (!(cause instanceof OutcomeError)) throw cause;
    const error = errorForEra(cause.outcome.error, 'legacy', 'initialize');
    if (error === cause.outcome.error) throw cause;
    const { code, message, data } = error;
    throw new GatewayError(code, message, 502, { ...(data as unknown as GatewayErrorData), server: slug });
  });
}
