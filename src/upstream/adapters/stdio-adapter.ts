import { ConnectsUpstream } from '#lib/extension-kit';
import { StdioServerEntry, type StdioServer } from '../../registry/index.js';
import type { ConnectionOptions } from '../dialects/legacy/index.js';
import { EraCache, type KnownEra } from '../era-cache/index.js';
import type { UpstreamConnection } from '../upstream-connection.js';
import { UpstreamServices } from '../upstream-services.js';
import { McpAdapter } from './mcp-adapter.js';
import { StdioConnectionOpener } from './stdio-connection-opener.js';

/** Starts servers as child processes and speaks with them over stdio, in either era. */
@ConnectsUpstream('stdio', { entry: StdioServerEntry })
export class StdioAdapter extends McpAdapter<StdioServer> {
  private readonly eraCache: EraCache;
  private readonly opener: StdioConnectionOpener;

  constructor(services: UpstreamServices) {
    super(services);
    const { clock, config, details, profileLookups } = services;
    this.eraCache = new EraCache(clock, profileLookups);
    this.opener = new StdioConnectionOpener(this.eraCache, config, clock, details);
  }

  override get childProcesses(): number {
    return this.opener.processes;
  }

  override evict(slug: string): void {
    this.evictEra(slug);
    this.opener.evict(slug);
  }

  override async shutdown(): Promise<void> {
    await this.opener.shutdown();
    await super.shutdown();
  }

  protected override evictEra(slug: string): void {
    this.eraCache.evict(slug);
  }

  protected override probeEra(server: StdioServer, opening: ConnectionOptions, signal: AbortSignal): Promise<KnownEra> {
    return this.opener.resolveEra(server, opening, signal);
  }

  protected override openInOwnEra(
    server: StdioServer,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    return this.opener.open(server, opening, signal);
  }

  protected override openLegacy(
    server: StdioServer,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection> {
    return this.opener.openNewLegacy(server, opening, signal);
  }

  /** A process that speaks the modern era and does not complete a handshake does not know it. */
  protected override isHandshakeRefused(): boolean {
    return true;
  }
}
