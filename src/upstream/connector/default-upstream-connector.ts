import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { ClientProfile, Era } from '#lib/mcp-protocol';
import type { RemoteServer, RestServer, ServerDefinition } from '../../registry/index.js';
import { Deadlines } from '../channels/deadlines.js';
import { AddressGuard } from '../channels/guard/index.js';
import { HttpChannel } from '../channels/http/index.js';
import { adoptOverHttp, type LegacyOpening } from '../dialects/legacy/index.js';
import { RestConnection } from '../dialects/rest/index.js';
import { EraMemory, type KnownEra } from '../era-memory/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream-connection.js';
import { UpstreamConnector } from '../upstream-connector.js';
import type { UpstreamSessionState } from '../upstream-session-state.js';
import { UpstreamConfig } from '../upstream.config.js';
import { GATEWAY_CLIENT } from '../gateway-identity.js';
import { beforeAnyCall } from '../upstream.errors.js';
import { HttpOpenings } from './http-openings.js';
import { StdioOpenings } from './stdio-openings.js';

interface KeptChannel {
  readonly definition: RemoteServer | RestServer;
  readonly channel: HttpChannel;
}

/** Opens connections over streamable HTTP of both eras, HTTP+SSE, stdio of both eras, and plain HTTP for REST tools. */
@Injectable()
export class DefaultUpstreamConnector extends UpstreamConnector implements OnApplicationShutdown {
  private readonly deadlines = new Deadlines();
  private readonly memory = new EraMemory();
  private readonly remotes = new HttpOpenings(this.memory);
  private readonly processes: StdioOpenings;
  private readonly channels = new Map<string, KeptChannel>();
  /** Includes channels that are retired and still in use. */
  private readonly allChannels = new Set<HttpChannel>();
  private readonly guard: AddressGuard;

  constructor(private readonly config: UpstreamConfig) {
    super();
    this.processes = new StdioOpenings(this.memory, config);
    this.guard = new AddressGuard(config.allowedNetworks);
  }

  override async era(server: ServerDefinition, signal: AbortSignal): Promise<Era> {
    try {
      // A REST server is stateless, like a modern server.
      return server.transport === 'rest' ? 'modern' : (await this.learnEra(server, signal)).era;
    } catch (error) {
      throw beforeAnyCall(error);
    }
  }

  override async open(
    server: ServerDefinition,
    client: ClientProfile,
    events: ConnectionEvents,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    const opening = this.openingOf(server, client, events);
    try {
      if (server.transport === 'stdio') return await this.processes.open(server, opening, signal);
      if (server.transport === 'rest') return new RestConnection(this.channelTo(server), server, opening.surroundings);
      return await this.remotes.open(server, this.channelTo(server), opening, signal);
    } catch (error) {
      throw beforeAnyCall(error);
    }
  }

  override adopt(
    server: ServerDefinition,
    client: ClientProfile,
    state: UpstreamSessionState,
    events: ConnectionEvents,
  ): UpstreamConnection | undefined {
    if (server.transport !== 'http' || server.slug !== state.server || state.profile.era !== 'legacy') return undefined;
    return adoptOverHttp(this.channelTo(server), this.openingOf(server, client, events), state);
  }

  override forget(slug: string): void {
    this.memory.forget(slug);
    this.processes.forget(slug);
    const channel = this.channels.get(slug)?.channel;
    this.channels.delete(slug);
    channel?.retire();
  }

  override async shutdown(): Promise<void> {
    this.channels.clear();
    await Promise.all([this.processes.shutdown(), ...Array.from(this.allChannels, (channel) => channel.destroy())]);
    this.deadlines.clear();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.shutdown();
  }

  private learnEra(server: Exclude<ServerDefinition, RestServer>, signal: AbortSignal): Promise<KnownEra> {
    if (server.transport !== 'stdio') return this.remotes.era(server, this.channelTo(server), signal);
    return this.processes.era(server, this.openingOf(server, GATEWAY_CLIENT, NOBODY), signal);
  }

  private openingOf(server: ServerDefinition, client: ClientProfile, events: ConnectionEvents): LegacyOpening {
    const { slug, timeouts } = server;
    return {
      client,
      events,
      surroundings: { server: slug, deadlines: this.deadlines, ...timeouts },
      suspectEra: () => this.memory.forget(slug),
    };
  }

  private channelTo(server: RemoteServer | RestServer): HttpChannel {
    const cached = this.channels.get(server.slug);
    if (cached !== undefined && isSameWay(cached.definition, server)) return cached.channel;
    if (cached !== undefined) this.forget(server.slug);
    const { connections, calls, maxMessageBytes } = this.config;
    const limits = {
      maxConnections: connections,
      maxCalls: calls,
      maxBodyBytes: maxMessageBytes,
      maxEventBytes: maxMessageBytes,
    };
    const channel = new HttpChannel(server, limits, this.deadlines, this.guard);
    this.channels.set(server.slug, { definition: server, channel });
    this.allChannels.add(channel);
    void channel.closed.then(() => this.allChannels.delete(channel));
    return channel;
  }
}

const NOBODY: ConnectionEvents = { notify: () => undefined, closed: () => undefined };

/** A reloaded definition is a new object, although its destination may be unchanged. */
function isSameWay(one: KeptChannel['definition'], other: KeptChannel['definition']): boolean {
  if (one === other) return true;
  const toKey = ({ url, transport, headers, timeouts, guarded }: KeptChannel['definition']) =>
    JSON.stringify([url, transport, headers, timeouts.connectMs, guarded === true]);
  return toKey(one) === toKey(other);
}
