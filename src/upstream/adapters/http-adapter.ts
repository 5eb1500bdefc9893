import { ConnectsUpstream, type AdaptedServer } from '#lib/extension-kit';
import { RemoteServerEntry, type RemoteServer } from '../../registry/index.js';
import { adoptOverHttp, type ConnectionOptions } from '../dialects/legacy/index.js';
import { EraCache, type KnownEra } from '../era-cache/index.js';
import type { UpstreamConnection } from '../upstream-connection.js';
import { UpstreamServices } from '../upstream-services.js';
import type { UpstreamSessionState } from '../upstream-session-state.js';
import { HttpChannels } from './http-channels.js';
import { HttpConnectionOpener } from './http-connection-opener.js';
import { McpAdapter } from './mcp-adapter.js';
import type { OwnAttempt } from './own-adapter.js';

/** Connects servers over streamable HTTP of both eras, and older ones over HTTP+SSE at the same URL. */
@ConnectsUpstream('http', { entry: RemoteServerEntry })
export class HttpAdapter extends McpAdapter<RemoteServer> {
  private readonly eraCache: EraCache;
  private readonly opener: HttpConnectionOpener;
  private readonly channels: HttpChannels;

  constructor(services: UpstreamServices) {
    super(services);
    this.eraCache = new EraCache(services.clock, services.profileLookups);
    this.opener = new HttpConnectionOpener(this.eraCache);
    this.channels = new HttpChannels(services, this.deadlines);
  }

  override adoptSession(
    { entry }: AdaptedServer<RemoteServer>,
    attempt: OwnAttempt,
    state: UpstreamSessionState,
  ): UpstreamConnection | undefined {
    if (entry.slug !== state.server || state.profile.era !== 'legacy') return undefined;
    return adoptOverHttp(
      this.channels.get(entry, attempt.credentials),
      this.toConnectionOptions(entry, attempt),
      state,
    );
  }

  override evict(slug: string): void {
    this.evictEra(slug);
    this.channels.evict(slug);
  }

  override async shutdown(): Promise<void> {
    await this.channels.destroy();
    await super.shutdown();
  }

  protected override evictEra(slug: string): void {
    this.eraCache.evict(slug);
  }

  protected override probeEra(
    server: RemoteServer,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<KnownEra> {
    return this.opener.resolveEra(server, this.channels.get(server, opening.credentials), opening, signal);
  }

  protected override openInOwnEra(
    server: RemoteServer,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    return this.opener.open(server, this.channels.get(server, opening.credentials), opening, signal);
  }

  protected override openLegacy(
    server: RemoteServer,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    return this.opener.openLegacy(server, this.channels.get(server, opening.credentials), opening, signal);
  }
}
