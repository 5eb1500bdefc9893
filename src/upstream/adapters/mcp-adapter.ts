import type { AdaptedServer } from '#lib/extension-kit';
import type { Era } from '#lib/mcp-protocol';
import type { RemoteServer, StdioServer } from '../../registry/index.js';
import type { ConnectionOptions } from '../dialects/legacy/index.js';
import type { KnownEra } from '../era-cache/index.js';
import type { UpstreamConnection } from '../upstream-connection.js';
import { otherEra, toOutcomeError } from '../upstream.errors.js';
import { refusesHandshake } from './handshake-refusal.js';
import { OwnAdapter, type OwnAttempt } from './own-adapter.js';

/** Connects MCP servers of either era: the entry may state the era, and a server of both serves each client in its own. */
export abstract class McpAdapter<Definition extends RemoteServer | StdioServer> extends OwnAdapter<Definition> {
  /** Servers that speak the modern era and refused a legacy handshake. */
  private readonly modernOnly = new WeakSet<Definition>();

  override async resolveEra({ entry }: AdaptedServer<Definition>, attempt: OwnAttempt): Promise<Era> {
    if (entry.era === 'legacy') return 'legacy';
    const { era } = await this.probeEra(entry, this.toConnectionOptions(entry, attempt), attempt.signal);
    if (entry.era === 'modern' && era !== 'modern') throw toOutcomeError(otherEra(entry.slug, entry.era));
    return era === 'modern' && this.mayServeLegacy(entry, attempt) ? 'legacy' : era;
  }

  override async connect({ entry }: AdaptedServer<Definition>, attempt: OwnAttempt): Promise<UpstreamConnection> {
    const opening = this.toConnectionOptions(entry, attempt);
    if (entry.era === 'legacy') return this.openLegacy(entry, opening, attempt.signal);
    const legacy = await this.tryLegacy(entry, opening, attempt);
    if (legacy !== undefined) return legacy;
    const connection = await this.openInOwnEra(entry, opening, attempt.signal);
    if (entry.era === undefined || connection.profile.era === entry.era) return connection;
    await connection.close();
    throw toOutcomeError(otherEra(entry.slug, entry.era));
  }

  /** The era of the server, from memory or by a probe (never by a call). */
  protected abstract probeEra(server: Definition, opening: ConnectionOptions, signal: AbortSignal): Promise<KnownEra>;

  /** Opens a connection in the era that the server prefers. */
  protected abstract openInOwnEra(
    server: Definition,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection>;

  /** Opens a connection in the legacy era, whatever else the server speaks. */
  protected abstract openLegacy(
    server: Definition,
    opening: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<UpstreamConnection>;

  /** Whether a failed handshake means that the server does not know it, and not that it cannot serve now. */
  protected isHandshakeRefused(error: unknown): boolean {
    return refusesHandshake(error);
  }

  /** True unless it is known that a modern server cannot serve a legacy client in its own era. */
  private mayServeLegacy(server: Definition, { clientEra }: OwnAttempt): boolean {
    return clientEra === 'legacy' && server.era === undefined && !this.modernOnly.has(server);
  }

  /** Opens a legacy connection to a server that speaks both eras. Undefined if the server is of one era only. */
  private async tryLegacy(
    server: Definition,
    opening: ConnectionOptions,
    attempt: OwnAttempt,
  ): Promise<UpstreamConnection | undefined> {
    if (!this.mayServeLegacy(server, attempt)) return undefined;
    const { era } = await this.probeEra(server, opening, attempt.signal);
    if (era === 'legacy') return undefined;
    try {
      return await this.openLegacy(server, opening, attempt.signal);
    } catch (error) {
      if (attempt.signal.aborted || !this.isHandshakeRefused(error)) throw error;
      this.modernOnly.add(server);
      return undefined;
    }
  }
}
