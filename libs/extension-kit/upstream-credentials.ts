import type { GuardedServer } from './access-policy.js';
import type { Caller } from './caller.js';

/** A server at which the gateway authenticates. Contains none of the credentials of its entry. */
export interface UpstreamServer extends GuardedServer {
  /** `http`, `sse`, `rest`, `stdio`, or a kind of an extension. */
  readonly transport: string;
  /** Without user information, query and fragment. Absent for a child process, and for a kind of an extension. */
  readonly url?: string;
  readonly tags: readonly string[];
}

export interface CredentialsRequest {
  readonly server: UpstreamServer;
  /** Absent for requests of the gateway itself: health checks, and connection tests of administrators. */
  readonly caller?: Caller;
}

/** What authenticates the gateway at a server, in addition to the headers and variables of its entry. */
export interface Credentials {
  /**
   * Sent with each request to the origin of the server, instead of headers of its entry with the same name. Headers that the protocol
   * or HTTP decides, such as `content-type` or `mcp-session-id`, are refused.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** Variables of a child process, instead of those of its entry with the same name. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Provides the credentials with which the gateway authenticates at servers, for each caller. There is one per gateway; an extension
 * may replace it.
 *
 * Asked when a connection is opened, and again when a server refuses its credentials (401); not for each call. A rejected promise, an
 * invalid value, and no answer within the connect timeout of the server fail the call as `not_executed`. Callers then read the name
 * of the strategy and nothing else, or the message of a thrown `GatewayError`, which must contain no credential.
 *
 * @example
 * class TokenExchange extends UpstreamCredentials {
 *   override async credentialsFor({ server, caller }: CredentialsRequest): Promise<Credentials> {
 *     const token = await this.exchange(server.url, caller?.principal);
 *     return { headers: { authorization: `Bearer ${token}` } };
 *   }
 * }
 */
export abstract class UpstreamCredentials {
  /**
   * Identifies the credentials of a caller at a server. Callers with equal texts share connections, child processes and what the
   * gateway keeps of their lists; callers with different texts never do. So it must differ wherever the credentials belong to
   * different accounts, and stay the same when they are renewed. The empty text stands for credentials that do not depend on the
   * caller. Called for each call: it must be fast, and depend on nothing but its argument. No text is logged or stored.
   *
   * The default is the principal of the caller. Override it where credentials depend on more, such as the scopes of a token, or on
   * less.
   */
  identityOf({ caller }: Required<CredentialsRequest>): string {
    return caller.key;
  }

  abstract credentialsFor(request: CredentialsRequest): Credentials | Promise<Credentials>;

  /**
   * Returns new credentials after the server has refused earlier ones. If they differ, the refused request is sent once more, also
   * over the same session, except one that changes something at a REST API. Override it if `credentialsFor` caches what it returns. The default asks `credentialsFor`.
   */
  refresh(request: CredentialsRequest, _refused: Credentials): Credentials | Promise<Credentials> {
    return this.credentialsFor(request);
  }
}
