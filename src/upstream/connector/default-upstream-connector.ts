import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { AddressGuard } from '#lib/address-guard';
import type { ClientProfile, Era } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import type { RemoteServer, RestServer, ServerDefinition } from '../../registry/index.js';
import { Deadlines } from '../channels/deadlines.js';
import { HttpChannel } from '../channels/http/index.js';
import { ConnectDeadline } from '../dialects/connect-deadline.js';
import { adoptOverHttp, type ConnectionOptions } from '../dialects/legacy/index.js';
import { RestConnection, type RestChannels } from '../dialects/rest/index.js';
import { EraCache, type KnownEra } from '../era-cache/index.js';
import { FailureDetails } from '../failure-details.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream-connection.js';
import { UpstreamConnector, type ConnectionAttempt } from '../upstream-connector.js';
import type { UpstreamSessionState } from '../upstream-session-state.js';
import { UpstreamConfig } from '../upstream.config.js';
import { otherEra, toNotExecuted, toOutcomeError } from '../upstream.errors.js';
import { refusesHandshake } from './handshake-refusal.js';
import { HttpConnectionOpener } from './http-connection-opener.js';
import { StdioConnectionOpener } from './stdio-connection-opener.js';

type McpServer = Exclude<ServerDefinition, RestServer>;

interface CachedChannel {
  readonly definition: RemoteServer | RestServer;
  readonly channel: HttpChannel;
}

/** Opens connections over streamable HTTP of both eras, HTTP+SSE, stdio of both eras, and plain HTTP for REST tools. */
@Injectable()
export class DefaultUpstreamConnector extends UpstreamConnector implements OnApplicationShutdown {
  private readonly deadlines: Deadlines;
  private readonly eraCache: EraCache;
  private readonly httpConnections: HttpConnectionOpener;
  private readonly stdioConnections: StdioConnectionOpener;
  private readonly channels = new Map<string, CachedChannel>();
  /** Servers that speak the modern era and refused a legacy handshake. */
  private readonly modernOnly = new WeakSet<ServerDefinition>();
  /** Includes channels that are retired and still in use. */
  private readonly allChannels = new Set<HttpChannel>();

  constructor(
    private readonly config: UpstreamConfig,
    private readonly clock: Clock,
    private readonly guard: AddressGuard = new AddressGuard(),
    private readonly details: FailureDetails = new FailureDetails(clock),
  ) {
    super();
    this.deadlines = new Deadlines(clock);
    this.eraCache = new EraCache(clock);
    this.httpConnections = new HttpConnectionOpener(this.eraCache);
    this.stdioConnections = new StdioConnectionOpener(this.eraCache, config, clock, details);
  }

  override async resolveEra(server: ServerDefinition, client: ClientProfile, attempt: ConnectionAttempt): Promise<Era> {
    try {
      // A REST server is stateless, like a modern server.
      return server.transport === 'rest' ? 'modern' : await this.resolveKnownEra(server, client, attempt);
    } catch (error) {
      throw toNotExecuted(error);
    }
  }

  override async open(
    server: ServerDefinition,
    client: ClientProfile,
    events: ConnectionEvents,
    attempt: ConnectionAttempt,
  ): Promise<UpstreamConnection> {
    const { signal } = attempt;
    const opening = this.toConnectionOptions(server, client, events, attempt);
    try {
      if (server.transport === 'rest') return new RestConnection(this.getRestChannels(server), server, opening.context);
      if (server.era === 'legacy') return await this.openLegacy(server, opening, signal);
      const legacy = await this.tryLegacy(server, opening, attempt);
      if (legacy !== undefined) return legacy;
      const connection =
        server.transport === 'stdio'
          ? await this.stdioConnections.open(server, opening, signal)
          : await this.httpConnections.open(server, this.getChannel(server), opening, signal);
      if (server.era === undefined || connection.profile.era === server.era) return connection;
      await connection.close();
      throw toOutcomeError(otherEra(server.slug, server.era));
    } catch (error) {
      throw toNotExecuted(error);
    }
  }

  override adoptSession(
    server: ServerDefinition,
    client: ClientProfile,
    state: UpstreamSessionState,
    events: ConnectionEvents,
  ): UpstreamConnection | undefined {
    if (server.transport !== 'http' || server.slug !== state.server || state.profile.era !== 'legacy') return undefined;
    const opening = this.toConnectionOptions(server, client, events, {});
    return adoptOverHttp(this.getChannel(server), opening, state);
  }

  override evict(slug: string): void {
    this.eraCache.evict(slug);
    this.stdioConnections.evict(slug);
    for (const [key, { channel }] of this.channels) {
      if (key !== slug && !key.startsWith(`${slug} `)) continue;
      this.channels.delete(key);
      channel.retire();
    }
  }

  override async shutdown(): Promise<void> {
    this.channels.clear();
    await Promise.all([
      this.stdioConnections.shutdown(),
      ...Array.from(this.allChannels, (channel) => channel.destroy()),
    ]);
    this.deadlines.clear();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.shutdown();
  }

  /** The era of the server as its entry states it, or as it serves this client. */
  private async resolveKnownEra(server: McpServer, client: ClientProfile, attempt: ConnectionAttempt): Promise<Era> {
    if (server.era === 'legacy') return 'legacy';
    const { era } = await this.probeEra(server, this.toConnectionOptions(server, client, NO_EVENTS, attempt), attempt);
    if (server.era === 'modern' && era !== 'modern') throw toOutcomeError(otherEra(server.slug, server.era));
    return era === 'modern' && this.mayServeLegacy(server, attempt) ? 'legacy' : era;
  }

  private probeEra(server: McpServer, opening: ConnectionOptions, { signal }: ConnectionAttempt): Promise<KnownEra> {
    if (server.transport === 'stdio') return this.stdioConnections.resolveEra(server, opening, signal);
    return this.httpConnections.resolveEra(server, this.getChannel(server), opening.deadline, signal);
  }

  /** True unless it is known that a modern server cannot serve a legacy client in its own era. */
  private mayServeLegacy(server: McpServer, { clientEra }: ConnectionAttempt): boolean {
    return clientEra === 'legacy' && server.era === undefined && !this.modernOnly.has(server);
  }

  /** Opens a legacy connection to a server that speaks both eras. Undefined if the server is of one era only. */
  private async tryLegacy(
    server: McpServer,
    opening: ConnectionOptions,
    attempt: ConnectionAttempt,
  ): Promise<UpstreamConnection | undefined> {
    if (!this.mayServeLegacy(server, attempt)) return undefined;
    const { era } = await this.probeEra(server, opening, attempt);
    if (era === 'legacy') return undefined;
    try {
      return await this.openLegacy(server, opening, attempt.signal);
    } catch (error) {
      // A process that speaks the modern era and does not complete a handshake does not know it.
      const isRefused = server.transport === 'stdio' || refusesHandshake(error);
      if (attempt.signal.aborted || !isRefused) throw error;
      this.modernOnly.add(server);
      return undefined;
    }
  }

  private openLegacy(server: McpServer, opening: ConnectionOptions, signal: AbortSignal): Promise<UpstreamConnection> {
    if (server.transport === 'stdio') return this.stdioConnections.openNewLegacy(server, opening, signal);
    return this.httpConnections.openLegacy(server, this.getChannel(server), opening, signal);
  }

  private toConnectionOptions(
    server: ServerDefinition,
    client: ClientProfile,
    events: ConnectionEvents,
    { budgetMs, owner = ALL_CLIENTS, opensServerStream = false }: Omit<ConnectionAttempt, 'signal'>,
  ): ConnectionOptions {
    const { slug, timeouts } = server;
    return {
      client,
      events,
      deadline: new ConnectDeadline(this.clock, budgetMs ?? timeouts.connectMs),
      owner,
      opensServerStream,
      context: { server: slug, clock: this.clock, deadlines: this.deadlines, ...timeouts },
      suspectEra: () => this.eraCache.evict(slug),
    };
  }

  /** Tools may have URLs of their own. Their origins get neither the headers nor the query of the server. */
  private getRestChannels(server: RestServer): RestChannels {
    return {
      own: this.getChannel(server),
      toOrigin: (url) => this.getChannel({ ...server, url, headers: {} }, `${server.slug} ${url}`),
    };
  }

  private getChannel(server: RemoteServer | RestServer, key = server.slug): HttpChannel {
    const cached = this.channels.get(key);
    if (cached !== undefined && isSameDestination(cached.definition, server)) return cached.channel;
    if (cached !== undefined) this.evict(server.slug);
    const { connections, calls, maxMessageBytes } = this.config;
    const limits = {
      maxConnections: connections,
      maxCalls: calls,
      maxBodyBytes: maxMessageBytes,
      maxEventBytes: maxMessageBytes,
    };
    const channel = new HttpChannel(server, limits, this.deadlines, this.guard, (detail) =>
      this.details.record(server.slug, detail),
    );
    this.channels.set(key, { definition: server, channel });
    this.allChannels.add(channel);
    void channel.closed.then(() => this.allChannels.delete(channel));
    return channel;
  }
}

const ALL_CLIENTS = '';

const NO_EVENTS: ConnectionEvents = { notify: () => undefined, closed: () => undefined };

/** A reloaded definition is a new object, although its destination may be unchanged. */
function isSameDestination(one: CachedChannel['definition'], other: CachedChannel['definition']): boolean {
  if (one === other) return true;
  const toKey = ({ url, transport, headers, timeouts, guarded }: CachedChannel['definition']) =>
    JSON.stringify([url, transport, headers, timeouts.connectMs, guarded === true]);
  return toKey(one) === toKey(other);
}
