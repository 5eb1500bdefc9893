import { Injectable, Logger, Optional, type OnApplicationShutdown } from '@nestjs/common';
import { GatewayError, OutcomeError, type GatewayErrorData } from '#lib/extension-kit';
import { errorForEra, type Era } from '#lib/mcp-protocol';
import { ServerRegistry, type RegistrySnapshot, type ServerDefinition } from '../registry/index.js';
import {
  UpstreamConnector,
  type ServerProfile,
  type UpstreamConnection,
  type UpstreamSessionState,
} from '../upstream/index.js';
import { heldOf, type HeldConnection } from './held-connection.js';
import { PlacedHere, Placement, unlessOutOfReach } from './placement.js';
import { Places } from './places.js';
import { PoolEntry } from './pool-entry.js';
import { SessionPoolConfig } from './session-pool.config.js';
import { ServerReconfigured, TooManyProcesses, TooManyUpstreamSessions } from './session-pool.errors.js';
import type { Session } from './session.js';
import { countedFor, ownKeyOf, sharingOf, type Sharing, type UpstreamFace } from './sharing.js';
import { pageOf, viewOfUpstream, type UpstreamView, type ViewPage } from './views.js';

export type { HeldConnection } from './held-connection.js';
export type { UpstreamFace } from './sharing.js';

/** How a connection is to be held. */
export interface HoldOptions {
  /** Another worker asks for it: whatever placement says, it is opened here. */
  readonly here?: boolean;
}

const SWEEP_INTERVAL_MS = 15_000;
const OPEN_SIGNAL = new AbortController().signal;

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
export class UpstreamPool implements OnApplicationShutdown {
  private readonly logger = new Logger(UpstreamPool.name);
  private readonly entries = new Map<string, PoolEntry>();
  private readonly closing = new Set<Promise<void>>();
  private readonly children: Places;
  private readonly sessions: Places;
  /** What was learned of a server holds for this definition of it. */
  private readonly eras = new WeakMap<ServerDefinition, Era>();
  private readonly profiles = new WeakMap<ServerDefinition, ServerProfile>();
  private configured: ReadonlySet<ServerDefinition>;
  private readonly sweeper: NodeJS.Timeout;
  private readonly stopWatching: readonly (() => void)[];

  constructor(
    private readonly connector: UpstreamConnector,
    private readonly config: SessionPoolConfig,
    private readonly registry: ServerRegistry,
    @Optional() private readonly placement: Placement = new PlacedHere(),
  ) {
    this.children = new Places(config.maxChildProcesses);
    this.sessions = new Places(config.maxUpstreamSessionsPerPrincipal);
    this.configured = new Set(registry.snapshot.servers);
    this.sweeper = setInterval(() => this.sweep(Date.now()), SWEEP_INTERVAL_MS).unref();
    this.stopWatching = [
      registry.onChange((now, before) => this.retireChanged(now, before)),
      placement.onChange(() => this.retireLost()),
    ];
  }

  /** Runs work on a connection. Rejects with a GatewayError when none can be opened. */
  async use<T>(
    server: ServerDefinition,
    face: UpstreamFace,
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
  async hold(server: ServerDefinition, face: UpstreamFace, options: HoldOptions = {}): Promise<HeldConnection> {
    const era = this.eras.get(server) ?? (await this.learnEra(server));
    // A definition of yesterday must not bring back what was retired: its address, its credentials.
    if (!this.configured.has(server)) throw new ServerReconfigured(server.slug);
    const sharing = sharingOf(server, era, face);
    const entry = this.find(sharing, options) ?? this.open(server, face, sharing, options);
    const release = this.enter(entry);
    try {
      const connection = entry.connection ?? (await entry.opening);
      if (era === 'modern' && connection.profile.era === 'legacy')
        return await this.holdAfterChange(entry, face, release, options);
      if (face.session && sharing && connection.profile.era === 'legacy') this.follow(entry, face.session, connection);
      return heldOf(entry, connection, release);
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
  surrenderOf(session: Session): UpstreamSessionState[] | undefined {
    const own = [...this.entries.values()].filter(
      ({ server, sharing }) => sharing?.key === ownKeyOf(server.slug, session),
    );
    if (own.some(({ connection }) => connection && connection.profile.era === 'legacy' && !connection.surrender)) {
      return undefined;
    }
    const states: UpstreamSessionState[] = [];
    for (const entry of own) {
      const state = entry.connection?.surrender?.();
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
  adopt(session: Session, states: readonly UpstreamSessionState[]): void {
    for (const state of states) {
      const server = this.registry.snapshot.servers.find(({ slug }) => slug === state.server);
      if (server) this.adoptAt(server, session, state);
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
  async entitlementOf(server: ServerDefinition, face: UpstreamFace): Promise<string | undefined> {
    const era = this.eras.get(server) ?? (await this.learnEra(server));
    return sharingOf(server, era, face)?.key;
  }

  /** What a server said of itself last; asks it now when it has never been spoken to. Rejects with a GatewayError. */
  async profileOf(server: ServerDefinition, face: UpstreamFace): Promise<ServerProfile> {
    return this.profiles.get(server) ?? this.use(server, face, async ({ profile }) => profile);
  }

  /** A part of what can be used again, for those who look after it. */
  view(page: ViewPage): UpstreamView[] {
    const views = [...this.entries.values()].flatMap((entry) => viewOfUpstream(entry) ?? []);
    return pageOf(views, page);
  }

  /** Hands a connection out no more; with its last call end the sessions that have no other. False: it is not here. */
  closeBySerial(serial: number): boolean {
    const entry = [...this.entries.values()].find((known) => known.serial === serial);
    if (!entry) return false;
    entry.takesSessionsAlong = true;
    this.replace(entry);
    return true;
  }

  /** Closes what nobody has used for long. */
  sweep(now: number): void {
    for (const entry of this.entries.values()) {
      if (entry.idle && now - entry.idleSince > this.config.upstreamIdleMs) this.retire(entry);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.sweeper);
    for (const stop of this.stopWatching) stop();
    for (const entry of this.entries.values()) this.retire(entry);
    // Servers are told of the end of their sessions, or they would keep them.
    await Promise.all(this.closing);
    await this.connector.shutdown();
  }

  /** Rejects with a GatewayError when the server cannot be reached. */
  async learnEra(server: ServerDefinition): Promise<Era> {
    const era = await inOurHandshake(server, this.connector.era(server, OPEN_SIGNAL));
    this.eras.set(server, era);
    return era;
  }

  /**
   * The server turned out to have left the modern era. The session that was opened must not serve everybody, as a
   * modern connection would have.
   */
  private holdAfterChange(
    entry: PoolEntry,
    face: UpstreamFace,
    release: () => void,
    options: HoldOptions,
  ): Promise<HeldConnection> {
    this.retire(entry);
    release();
    this.eras.set(entry.server, 'legacy');
    return this.hold(entry.server, face, options);
  }

  private find(sharing: Sharing | undefined, { here }: HoldOptions): PoolEntry | undefined {
    const entry = sharing && this.entries.get(sharing.key);
    if (!entry || !here || entry.place === undefined) return entry;
    // We had a part in another worker's connection; others say now that we are to have it.
    this.retire(entry);
    return undefined;
  }

  private open(
    server: ServerDefinition,
    face: UpstreamFace,
    sharing: Sharing | undefined,
    { here }: HoldOptions,
  ): PoolEntry {
    const entry = new PoolEntry(
      server,
      sharing,
      (over) => this.forget(over),
      (doubtful) => this.replace(doubtful),
    );
    // What another worker asks for is counted there, where room can be made.
    if (!here) this.takeSession(entry, face);
    const openHere = async () => {
      entry.place = undefined;
      if (server.transport === 'stdio') this.takeChild(entry);
      return this.connector.open(server, face.client, entry, OPEN_SIGNAL);
    };
    entry.place = sharing?.placed && !here ? this.placement.placeOf(sharing.key) : undefined;
    const connecting =
      sharing && entry.place !== undefined
        ? this.placement.open(entry.place, server, face, sharing, entry).catch(unlessOutOfReach(openHere))
        : openHere();
    entry.opening = inOurHandshake(server, connecting).then(
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

  private adoptAt(server: ServerDefinition, session: Session, state: UpstreamSessionState): void {
    const sharing = { key: ownKeyOf(server.slug, session), among: 'session', placed: false } as const;
    if (this.entries.has(sharing.key)) return;
    const entry = new PoolEntry(server, sharing, (over) => this.forget(over));
    const connection = this.connector.adopt(server, session.client, state, entry);
    if (!connection) return;
    entry.connection = connection;
    entry.opening = Promise.resolve(connection);
    this.entries.set(sharing.key, entry);
    if (!this.profiles.has(server)) this.profiles.set(server, connection.profile);
    if (!this.eras.has(server)) this.eras.set(server, connection.profile.era);
    this.follow(entry, session, connection);
  }

  /** @throws TooManyProcesses when the server runs as often as it may, and every process is in use */
  private takeChild(entry: PoolEntry): void {
    const { slug } = entry.server;
    const makeRoom = () => this.retireSpare(({ server, place }) => server.slug === slug && place === undefined);
    entry.takes(this.children.take(slug, makeRoom, (limit) => new TooManyProcesses(slug, limit)));
  }

  /** @throws TooManyUpstreamSessions when the principal has as many as it may, and uses all of them */
  private takeSession(entry: PoolEntry, face: UpstreamFace): void {
    const { server, sharing } = entry;
    const whose = countedFor(server, this.eras.get(server), face, sharing);
    if (whose === undefined) return;
    const makeRoom = () => this.retireSpare((other) => other.countedFor === whose);
    entry.takes(this.sessions.take(whose, makeRoom, (limit) => new TooManyUpstreamSessions(server.slug, limit)));
    entry.countedFor = whose;
  }

  /** Ends the one of them that nobody has needed for longest. */
  private retireSpare(isMeant: (entry: PoolEntry) => boolean): void {
    const spare = [...this.entries.values()].filter((entry) => entry.idle && isMeant(entry));
    const [longest] = spare.toSorted((one, other) => one.idleSince - other.idleSince);
    if (longest) this.retire(longest);
  }

  private follow(entry: PoolEntry, session: Session, connection: UpstreamConnection): void {
    const isOwn = entry.sharing?.among === 'session';
    if (session.ended && isOwn) this.retire(entry);
    else entry.follow(session, connection, () => isOwn && this.retire(entry));
  }

  private enter(entry: PoolEntry): () => void {
    let isInside = true;
    entry.users += 1;
    return () => {
      if (!isInside) return;
      isInside = false;
      entry.users -= 1;
      entry.idleSince = Date.now();
      if (entry.retired) this.closeUnused(entry);
    };
  }

  /** Hands the entry out no more; closes it once its last call is answered. */
  private retire(entry: PoolEntry): void {
    this.forget(entry);
    entry.retired = true;
    this.closeUnused(entry);
  }

  /** And whoever holds it for long looks for another one now. */
  private replace(entry: PoolEntry): void {
    this.retire(entry);
    entry.tellHolders();
  }

  private forget(entry: PoolEntry): void {
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
  private retireLost(): void {
    const lost = [...this.entries.values()].filter(({ place }) => place !== undefined && this.placement.isGone(place));
    for (const entry of lost) this.replace(entry);
  }

  private retireChanged(now: RegistrySnapshot, before: RegistrySnapshot): void {
    this.configured = new Set(now.servers);
    const changed = before.servers.filter((server) => !this.configured.has(server));
    for (const server of changed) {
      const retiring = [...this.entries.values()].filter((entry) => entry.server === server);
      for (const entry of retiring) this.retire(entry);
      this.connector.forget(server.slug);
      for (const entry of retiring) entry.tellHolders();
    }
  }
}

/** What a server says to a handshake of ours answers no client: its codes about versions and headers are not theirs. */
function inOurHandshake<T>({ slug }: ServerDefinition, handshake: Promise<T>): Promise<T> {
  return handshake.catch((cause: unknown) => {
    if (!(cause instanceof OutcomeError)) throw cause;
    const error = errorForEra(cause.outcome.error, 'legacy', 'initialize');
    if (error === cause.outcome.error) throw cause;
    const { code, message, data } = error;
    throw new GatewayError(code, message, 502, { ...(data as unknown as GatewayErrorData), server: slug });
  });
}
