import type { ClientProfile, Era } from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { ServerCredentials } from './credentials/index.js';
import type { ConnectionEvents, UpstreamConnection } from './upstream-connection.js';
import type { UpstreamSessionState } from './upstream-session-state.js';

/** One attempt to connect to a server. */
export interface ConnectionAttempt {
  /** Aborts when nobody waits for the connection any more. */
  readonly signal: AbortSignal;
  /** Milliseconds until the connection must be open. Absent: the connect timeout of the server. */
  readonly budgetMs?: number;
  /**
   * Identifies the clients that will share the connection. The exit of their child process delays the next start for them
   * only. Absent: all clients.
   */
  readonly owner?: string;
  /**
   * The era in which a server that speaks both serves the client. Default: modern. A server of one era serves every client in
   * that one.
   */
  readonly clientEra?: Era;
  /** What authenticates the gateway beside the entry of the server. Absent: the entry suffices. */
  readonly credentials?: ServerCredentials | undefined;
  /** True if the client has a stream for messages that belong to no request, so that the server gets one at once. */
  readonly opensServerStream?: boolean;
}

/** Opens connections to servers: resolves and caches the era of each server, and performs the handshake. */
export abstract class UpstreamConnector {
  /** Connections over HTTP that need the profile of a modern server, by whether it was cached. */
  get profileLookups(): { readonly hits: number; readonly misses: number } {
    return { hits: 0, misses: 0 };
  }

  /** Number of processes of servers that are running. */
  abstract readonly childProcesses: number;

  /**
   * The era of the server, from memory or by a probe (never by a call). `client` is the one on whose behalf a connection
   * is opened next: the probe may have to begin a legacy server's handshake.
   * Rejects with a GatewayError (-31004, -31005) when the server cannot be reached or answers nonsense.
   */
  abstract resolveEra(server: ServerDefinition, client: ClientProfile, attempt: ConnectionAttempt): Promise<Era>;

  /**
   * Opens a connection. A legacy server receives `client` (capabilities, clientInfo) in the handshake; a modern server
   * receives the client's profile with each request. Rejects with a GatewayError.
   */
  abstract open(
    server: ServerDefinition,
    client: ClientProfile,
    events: ConnectionEvents,
    attempt: ConnectionAttempt,
  ): Promise<UpstreamConnection>;

  /**
   * Adopts a session that another worker detached, without a new handshake. `client` is the client of the original
   * handshake. A session that the server no longer knows fails at its first use. Returns undefined when the server, as
   * configured here, cannot have such a session.
   */
  abstract adoptSession(
    server: ServerDefinition,
    client: ClientProfile,
    state: UpstreamSessionState,
    events: ConnectionEvents,
    credentials?: ServerCredentials,
  ): UpstreamConnection | undefined;

  /**
   * Evicts the cached era and the connection pool of a server, after its definition changed or the era proved wrong.
   */
  abstract evict(slug: string): void;

  /** Closes every pool and child process. Resolves when no child process is left. */
  abstract shutdown(): Promise<void>;
}
