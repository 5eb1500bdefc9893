import type { ClientProfile, Era } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ConnectionEvents, UpstreamConnection } from './upstream-connection.js';
import type { UpstreamSessionState } from './upstream-session-state.js';

/** Opens connections to servers: finds out the era, remembers it per server, shakes hands. */
export abstract class UpstreamConnector {
  /**
   * The era of the server, from memory or by a probe (never by a call). `client` is the one on whose behalf a connection
   * is opened next: the probe may have to begin a legacy server's handshake.
   * Rejects with a GatewayError (-31004, -31005) when the server cannot be reached or answers nonsense.
   */
  abstract resolveEra(server: ServerDefinition, client: ClientProfile, signal: AbortSignal): Promise<Era>;

  /**
   * Opens a connection. `client` is who is declared in a legacy server's handshake (capabilities, clientInfo);
   * a modern server hears of the client with each request. Rejects with a GatewayError.
   */
  abstract open(
    server: ServerDefinition,
    client: ClientProfile,
    events: ConnectionEvents,
    signal: AbortSignal,
  ): Promise<UpstreamConnection>;

  /**
   * Goes on with a session that another worker surrendered, without a new handshake. `client` is who was declared in the
   * first one. Whether the server still knows the session shows at its first use. Undefined when such a session cannot
   * be had with the server, as it is configured here.
   */
  abstract adoptSession(
    server: ServerDefinition,
    client: ClientProfile,
    state: UpstreamSessionState,
    events: ConnectionEvents,
  ): UpstreamConnection | undefined;

  /** Forgets what was learned about a server (era, pool), after its definition changed or the memory proved wrong. */
  abstract evict(slug: string): void;

  /** Closes every pool and child process. Resolves when no child is left. */
  abstract shutdown(): Promise<void>;
}
