import { OutcomeError } from '#lib/extension-kit';
import { GatewayCode, isJsonObject, toFaultOutcome } from '#lib/mcp-protocol';
import type { RemoteServer } from '../../registry/index.js';
import type { HttpChannel } from '../channels/http/index.js';
import { COMMON_ACCOUNT } from '../credentials/index.js';
import { ConnectDeadline } from '../dialects/connect-deadline.js';
import { NOT_STREAMABLE, openOverHttp, openOverSse, type ConnectionOptions } from '../dialects/legacy/index.js';
import { discoverOverHttp, ModernHttpConnection, type Discovery } from '../dialects/modern/index.js';
import type { EraCache, KnownEra } from '../era-cache/index.js';
import type { ServerProfile, UpstreamConnection } from '../upstream-connection.js';
import { withServer, toOutcomeError } from '../upstream.errors.js';
import { SingleFlight, withAbort } from './single-flight.js';

/** Resolves the era and transport of a remote server, and opens connections accordingly. */
export class HttpConnectionOpener {
  private readonly probes = new SingleFlight<Discovery>();

  constructor(private readonly eraCache: EraCache) {}

  /** Resolves the era from the cache or by a probe. Rejects with an OutcomeError when the probe is inconclusive. */
  async resolveEra(
    server: RemoteServer,
    channel: HttpChannel,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<KnownEra> {
    return this.eraCache.find(server.slug) ?? this.probe(server, channel, opening, signal);
  }

  async open(
    server: RemoteServer,
    channel: HttpChannel,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    // What a server says about itself may depend on the account.
    const fresh = isCommon(opening) ? this.eraCache.freshProfile(server.slug) : undefined;
    if (fresh !== undefined) return this.createModernConnection(server, channel, fresh, opening);
    const cached = this.eraCache.find(server.slug);
    if (cached?.era !== 'legacy') return this.openAfterProbe(server, channel, opening, signal);
    try {
      return await this.openHandshake(channel, server, opening, cached.sse, signal);
    } catch (error) {
      // The server may have changed its era since it was probed. Only a fresh probe is conclusive.
      if (signal.aborted || isUnreachable(error)) throw error;
      this.eraCache.evict(server.slug);
      const found = await this.probe(server, channel, opening, signal);
      if (found.era === 'legacy') throw error;
      return this.createModernConnection(server, channel, found.profile, opening);
    }
  }

  private async openAfterProbe(
    server: RemoteServer,
    channel: HttpChannel,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    const found = await this.probe(server, channel, opening, signal);
    if (found.era === 'modern') return this.createModernConnection(server, channel, found.profile, opening);
    try {
      return await this.openHandshake(channel, server, opening, found.sse, signal);
    } catch (error) {
      this.eraCache.evict(server.slug);
      throw error;
    }
  }

  /** Opens a connection in the legacy era, whatever else the server speaks. */
  openLegacy(
    server: RemoteServer,
    channel: HttpChannel,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    const known = this.eraCache.find(server.slug);
    return this.openHandshake(channel, server, opening, known?.era === 'legacy' && known.sse, signal);
  }

  private async openHandshake(
    channel: HttpChannel,
    server: RemoteServer,
    opening: ConnectionOptions,
    isSse: boolean,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    const connection = isSse ? NOT_STREAMABLE : await openOverHttp(channel, opening, signal);
    if (connection !== NOT_STREAMABLE) return connection;
    const older = await openOverSse(channel, opening, signal);
    // A server that speaks both eras stays modern for modern clients.
    if (this.eraCache.find(server.slug)?.era !== 'modern')
      this.eraCache.store(server.slug, { era: 'legacy', sse: true });
    return older;
  }

  private async probe(
    server: RemoteServer,
    channel: HttpChannel,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<KnownEra> {
    const { slug } = server;
    const { context, deadline, credentials } = opening;
    const key = `${slug} ${credentials?.account ?? COMMON_ACCOUNT}`;
    const probe = this.probes.run(key, () => discoverOverHttp(channel, context, deadline.leftMs(), NEVER));
    const discovery = await withAbort(probe, signal, () =>
      toOutcomeError(withServer(toFaultOutcome('refused', 'cancelled'), context)),
    );
    if (discovery.kind === 'failed') throw toOutcomeError(discovery.outcome);
    const known: KnownEra =
      discovery.kind === 'modern' ? { era: 'modern', profile: discovery.profile } : { era: 'legacy', sse: false };
    if (isCommon(opening) || known.era === 'legacy') this.eraCache.store(slug, known);
    return known;
  }

  private createModernConnection(
    server: RemoteServer,
    channel: HttpChannel,
    profile: ServerProfile,
    opening: ConnectionOptions,
  ): UpstreamConnection {
    const { context: surroundings, events } = opening;
    const discover = async (): Promise<ServerProfile | undefined> => {
      this.eraCache.evict(server.slug);
      const deadline = new ConnectDeadline(surroundings.clock, surroundings.connectMs);
      const found = await this.probe(server, channel, { ...opening, deadline }, NEVER);
      return found.era === 'modern' ? found.profile : undefined;
    };
    return new ModernHttpConnection(channel, profile, surroundings, events, discover);
  }
}

/** True unless the credentials belong to some callers only. */
const isCommon = ({ credentials }: ConnectionOptions): boolean =>
  credentials === undefined || credentials.account === COMMON_ACCOUNT;

/** Returns whether the server did not answer, so that the failure shows nothing about its era. */
function isUnreachable(error: unknown): boolean {
  if (!(error instanceof OutcomeError) || error.outcome.httpStatus === undefined) return false;
  const { code, data } = error.outcome.error;
  return code !== GatewayCode.upstreamBrokeProtocol && isJsonObject(data) && data['httpStatus'] === undefined;
}

const NEVER = new AbortController().signal;
