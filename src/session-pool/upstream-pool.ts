import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { GatewayError, OutcomeError, type Caller, type GatewayErrorData } from '#lib/extension-kit';
import { errorForEra, type ClientProfile, type Era } from '#lib/mcp-protocol';
import { ServerRegistry, type RegistrySnapshot, type ServerDefinition } from '../registry/index.js';
import { UpstreamConnector, type ServerProfile, type UpstreamConnection } from '../upstream/index.js';
import { ChildProcesses } from './child-processes.js';
import { PoolEntry, type Sharing } from './pool-entry.js';
import { SessionPoolConfig } from './session-pool.config.js';
import { ServerReconfigured } from './session-pool.errors.js';
import type { Session } from './session.js';

/** On whose behalf a server is spoken to. */
export interface UpstreamFace {
  readonly caller: Caller;
  readonly client: ClientProfile;
  /** The legacy session that asks; absent for modern and plain clients. */
  readonly session: Session | undefined;
}

/** A connection that stays open until it is released. */
export interface HeldConnection {
  readonly connection: UpstreamConnection;
  /** Calls back once when the connection ended by itself, or its server was configured anew. For one listener. */
  onClosed(listener: () => void): void;
  /** Idempotent. */
  readonly release: () => void;
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
 */
@Injectable()
export class UpstreamPool implements OnApplicationShutdown {
  private readonly logger = new Logger(UpstreamPool.name);
  private readonly entries = new Map<string, PoolEntry>();
  private readonly children: ChildProcesses;
  /** What was learned of a server holds for this definition of it. */
  private readonly eras = new WeakMap<ServerDefinition, Era>();
  private readonly profiles = new WeakMap<ServerDefinition, ServerProfile>();
  private configured: ReadonlySet<ServerDefinition>;
  private readonly sweeper: NodeJS.Timeout;
  private readonly stopWatching: () => void;

  constructor(
    private readonly connector: UpstreamConnector,
    private readonly config: SessionPoolConfig,
    registry: ServerRegistry,
  ) {
    this.children = new ChildProcesses(config.maxChildProcesses);
    this.configured = new Set(registry.snapshot.servers);
    this.sweeper = setInterval(() => this.sweep(Date.now()), SWEEP_INTERVAL_MS).unref();
    this.stopWatching = registry.onChange((now, before) => this.retireChanged(now, before));
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
  async hold(server: ServerDefinition, face: UpstreamFace): Promise<HeldConnection> {
    const era = this.eras.get(server) ?? (await this.learnEra(server));
    // A definition of yesterday must not bring back what was retired: its address, its credentials.
    if (!this.configured.has(server)) throw new ServerReconfigured(server.slug);
    const sharing = sharingOf(server, era, face);
    const entry = (sharing && this.entries.get(sharing.key)) ?? this.open(server, face, sharing);
    const release = this.enter(entry);
    try {
      const connection = entry.connection ?? (await entry.opening);
      if (era === 'modern' && connection.profile.era === 'legacy')
        return await this.holdAfterChange(entry, face, release);
      if (face.session && sharing && connection.profile.era === 'legacy') this.follow(entry, face.session, connection);
      return heldOf(entry, connection, release);
    } catch (cause) {
      release();
      throw cause;
    }
  }

  /** The era of a server that was spoken to before. */
  eraOf(server: ServerDefinition): Era | undefined {
    return this.eras.get(server);
  }

  /** What a server said of itself last; asks it now when it has never been spoken to. Rejects with a GatewayError. */
  async profileOf(server: ServerDefinition, face: UpstreamFace): Promise<ServerProfile> {
    return this.profiles.get(server) ?? this.use(server, face, async ({ profile }) => profile);
  }

  /** Closes what nobody has used for long. */
  sweep(now: number): void {
    for (const entry of this.entries.values()) {
      if (entry.idle && now - entry.idleSince > this.config.upstreamIdleMs) this.retire(entry);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.sweeper);
    this.stopWatching();
    for (const entry of this.entries.values()) this.retire(entry);
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
  private holdAfterChange(entry: PoolEntry, face: UpstreamFace, release: () => void): Promise<HeldConnection> {
    this.retire(entry);
    release();
    this.eras.set(entry.server, 'legacy');
    return this.hold(entry.server, face);
  }

  private open(server: ServerDefinition, face: UpstreamFace, sharing: Sharing | undefined): PoolEntry {
    const releaseChild = server.transport === 'stdio' ? this.takeChild(server) : NOTHING_TAKEN;
    const entry = new PoolEntry(server, sharing, (over) => {
      this.forget(over);
      releaseChild();
    });
    entry.opening = inOurHandshake(server, this.connector.open(server, face.client, entry, OPEN_SIGNAL)).then(
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

  /** @throws TooManyProcesses when the server runs as often as it may, and every process is in use */
  private takeChild({ slug }: ServerDefinition): () => void {
    return this.children.take(slug, () => {
      const spare = [...this.entries.values()].find((entry) => entry.server.slug === slug && entry.idle);
      if (spare) this.retire(spare);
    });
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

  private forget(entry: PoolEntry): void {
    const { sharing } = entry;
    if (sharing && this.entries.get(sharing.key) === entry) this.entries.delete(sharing.key);
  }

  private closeUnused(entry: PoolEntry): void {
    if (entry.users > 0 || !entry.connection) return;
    entry.finish();
    entry.connection
      .close()
      .catch((cause: unknown) => this.logger.warn(`Closing an upstream connection failed: ${String(cause)}`));
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

const NOTHING_TAKEN = (): void => undefined;

function heldOf(entry: PoolEntry, connection: UpstreamConnection, leave: () => void): HeldConnection {
  let forget: (() => void) | undefined;
  return {
    connection,
    onClosed: (listener) => {
      forget = entry.addHolder(listener);
    },
    release: () => {
      forget?.();
      leave();
    },
  };
}

/** Undefined: nobody shares the connection, it is opened for one request and closed after it. */
function sharingOf(server: ServerDefinition, era: Era, face: UpstreamFace): Sharing | undefined {
  const { slug } = server;
  if (era === 'modern') return { key: `modern ${slug}`, among: 'all' };
  const { session, caller, client } = face;
  const own = session && ({ key: `session ${slug} ${session.id}`, among: 'session' } as const);
  if (own && server.transport !== 'stdio') return own;
  const declared = JSON.stringify(client.capabilities);
  if (server.shared) return { key: `shared ${slug} ${declared}`, among: 'all' };
  if (caller.anonymous) return own;
  return { key: `principal ${slug} ${declared} ${caller.key}`, among: 'principal' };
}
