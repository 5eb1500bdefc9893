import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { OutcomeError, type Caller } from '#lib/extension-kit';
import { errorForEra, type ClientProfile, type Era, type McpNotification } from '#lib/mcp-protocol';
import { ServerRegistry, type RegistrySnapshot, type ServerDefinition } from '../registry/index.js';
import {
  UpstreamConnector,
  type ConnectionEvents,
  type ServerProfile,
  type UpstreamConnection,
} from '../upstream/index.js';
import { SessionPoolConfig } from './session-pool.config.js';
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
  /** Calls back once when the connection ends by itself. */
  onClosed(listener: () => void): void;
  release(): void;
}

const SWEEP_INTERVAL_MS = 15_000;
const OPEN_SIGNAL = new AbortController().signal;

/** A connection and those who use it. */
class PoolEntry implements ConnectionEvents {
  users = 0;
  idleSince = Date.now();
  retired = false;
  readonly sessions = new Set<Session>();
  readonly closeListeners = new Set<() => void>();
  connection: UpstreamConnection | undefined;
  opening!: Promise<UpstreamConnection>;

  constructor(
    readonly key: string,
    readonly slug: string,
    private readonly onClosed: (entry: PoolEntry) => void,
  ) {}

  notify(notification: McpNotification): void {
    for (const session of this.sessions) session.notify(notification);
  }

  closed(): void {
    this.onClosed(this);
    for (const listener of this.closeListeners) listener();
    this.closeListeners.clear();
  }
}

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
  private readonly eras = new Map<string, Era>();
  private readonly profiles = new Map<string, ServerProfile>();
  private readonly sweeper: NodeJS.Timeout;
  private readonly stopWatching: () => void;

  constructor(
    private readonly connector: UpstreamConnector,
    private readonly config: SessionPoolConfig,
    registry: ServerRegistry,
  ) {
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

  /** Keeps a connection until released; subscriptions need it for long. */
  async hold(server: ServerDefinition, face: UpstreamFace): Promise<HeldConnection> {
    const era = this.eras.get(server.slug) ?? (await this.learnEra(server));
    const key = keyOf(server, era, face);
    if (key === undefined) return this.holdAlone(server, face);
    const entry = this.entries.get(key) ?? this.open(key, server, face);
    entry.users += 1;
    try {
      const connection = entry.connection ?? (await entry.opening);
      if (face.session) this.follow(entry, face.session);
      return {
        connection,
        onClosed: (listener) => entry.closeListeners.add(listener),
        release: () => this.release(entry),
      };
    } catch (cause) {
      this.release(entry);
      throw cause;
    }
  }

  /** The era of a server that was spoken to before. */
  eraOf(server: ServerDefinition): Era | undefined {
    return this.eras.get(server.slug);
  }

  /** What a server said of itself last; asks it now when it has never been spoken to. Rejects with a GatewayError. */
  async profileOf(server: ServerDefinition, face: UpstreamFace): Promise<ServerProfile> {
    return this.profiles.get(server.slug) ?? this.use(server, face, async ({ profile }) => profile);
  }

  /** Closes what nobody has used for long. */
  sweep(now: number): void {
    for (const entry of this.entries.values()) {
      if (entry.users === 0 && entry.sessions.size === 0 && now - entry.idleSince > this.config.upstreamIdleMs) {
        this.retire(entry);
      }
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
    const era = await this.connector.era(server, OPEN_SIGNAL);
    this.eras.set(server.slug, era);
    return era;
  }

  private async holdAlone(server: ServerDefinition, face: UpstreamFace): Promise<HeldConnection> {
    const listeners = new Set<() => void>();
    const events: ConnectionEvents = {
      notify: () => undefined,
      closed: () => listeners.forEach((listener) => listener()),
    };
    const connection = await this.connect(server, face, events);
    this.profiles.set(server.slug, connection.profile);
    return {
      connection,
      onClosed: (listener) => listeners.add(listener),
      release: () => this.close(connection),
    };
  }

  private open(key: string, server: ServerDefinition, face: UpstreamFace): PoolEntry {
    const entry = new PoolEntry(key, server.slug, (closed) => this.lost(closed));
    entry.opening = this.connect(server, face, entry).then(
      (connection) => {
        entry.connection = connection;
        this.profiles.set(server.slug, connection.profile);
        if (this.eras.get(server.slug) !== connection.profile.era) this.eras.set(server.slug, connection.profile.era);
        return connection;
      },
      (cause: unknown) => {
        this.forget(entry);
        throw cause;
      },
    );
    // Every user awaits `opening`; should all have gone, its failure has no one left to tell.
    entry.opening.catch(() => undefined);
    this.entries.set(key, entry);
    return entry;
  }

  /** What a server says in a handshake of ours is no answer to the client: codes about versions and headers are not its. */
  private async connect(server: ServerDefinition, face: UpstreamFace, events: ConnectionEvents) {
    try {
      return await this.connector.open(server, face.client, events, OPEN_SIGNAL);
    } catch (cause) {
      if (!(cause instanceof OutcomeError)) throw cause;
      throw new OutcomeError({ ...cause.outcome, error: errorForEra(cause.outcome.error, 'legacy', 'initialize') });
    }
  }

  /** The server ended the upstream session. Where it was all that a session of ours had, that has lost its state too. */
  private lost(entry: PoolEntry): void {
    this.forget(entry);
    if (!entry.key.startsWith(OWN_SESSION)) return;
    for (const session of entry.sessions) if (session.start.endpoint === entry.slug) session.end();
  }

  /** A session hears of what its connections say by themselves, and takes its own connections with it. */
  private follow(entry: PoolEntry, session: Session): void {
    if (entry.sessions.has(session)) return;
    entry.sessions.add(session);
    if (entry.connection) session.join(entry.connection);
    const leave = () => {
      entry.sessions.delete(session);
      if (entry.key.startsWith(OWN_SESSION)) this.retire(entry);
    };
    if (session.ended) leave();
    else session.onEnd(leave);
  }

  private release(entry: PoolEntry): void {
    entry.users -= 1;
    entry.idleSince = Date.now();
    if (entry.retired && entry.users === 0 && entry.connection) this.close(entry.connection);
  }

  /** Hands the entry out no more; closes it once its last call is answered. */
  private retire(entry: PoolEntry): void {
    this.forget(entry);
    entry.retired = true;
    if (entry.users === 0 && entry.connection) this.close(entry.connection);
  }

  private forget(entry: PoolEntry): void {
    if (this.entries.get(entry.key) === entry) this.entries.delete(entry.key);
  }

  private close(connection: UpstreamConnection): void {
    connection.close().catch((cause: unknown) => this.logger.warn(`Closing an upstream connection failed: ${cause}`));
  }

  private retireChanged(now: RegistrySnapshot, before: RegistrySnapshot): void {
    for (const server of before.servers) {
      if (now.servers.includes(server)) continue;
      this.eras.delete(server.slug);
      this.profiles.delete(server.slug);
      for (const entry of this.entries.values()) if (entry.slug === server.slug) this.retire(entry);
      this.connector.forget(server.slug);
    }
  }
}

const OWN_SESSION = 'session ';

/** Who shares a connection. Undefined: nobody, it is opened for one request and closed after it. */
function keyOf(server: ServerDefinition, era: Era, face: UpstreamFace): string | undefined {
  if (era === 'modern') return `modern ${server.slug}`;
  const { session, caller, client } = face;
  if (session && server.transport !== 'stdio') return `${OWN_SESSION}${server.slug} ${session.id}`;
  const declared = JSON.stringify(client.capabilities);
  if (server.shared) return `shared ${server.slug} ${declared}`;
  if (!caller.anonymous) return `principal ${server.slug} ${declared} ${caller.key}`;
  return session && `${OWN_SESSION}${server.slug} ${session.id}`;
}
