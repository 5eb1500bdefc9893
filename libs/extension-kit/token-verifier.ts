import type { Principal } from './caller.js';

/** The content of a token whose signature, issuer, audience and validity period were checked. */
export interface VerifiedToken {
  readonly principal: Principal;
  readonly roles: readonly string[];
  /** Roles that a personal access token has only while a team grants them to its subject. */
  readonly teamRoles?: readonly string[];
  readonly teams: readonly string[];
  /** Slugs of the servers for which the token is valid. Absent means all servers. */
  readonly servers?: readonly string[];
  /** Identities of these servers, so that a later server of the same slug is not among them. Absent: the slugs decide. */
  readonly serverIdentities?: readonly string[];
  readonly scopes: readonly string[];
  /** Id of a personal access token. Its roles are explicit: roles that teams grant to its subject are not added. */
  readonly accessToken?: string;
  /** Expiry, in milliseconds since the Unix epoch. From this moment on the token is invalid. */
  readonly expiresAtMs: number;
  /**
   * The expiry with the clock skew that the verifier accepts, in milliseconds since the Unix epoch. Streams opened with the
   * token end at this moment. Default: `expiresAtMs`.
   */
  readonly acceptedUntilMs?: number;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The requested resource, when the token is valid for it alone (RFC 8707). Absent: valid for the whole gateway. */
  readonly resource?: string;
}

/** The identifiers under which the gateway and the requested endpoint are protected resources (RFC 9728). */
export interface RequestedResource {
  /** Identifiers of the gateway as a whole. */
  readonly gateway: readonly string[];
  /** Identifier of the requested endpoint. Absent: the request is for no endpoint. */
  readonly endpoint?: string;
}

/** Validates a bearer token and returns its content. There is one per gateway; an extension may replace it. */
export abstract class TokenVerifier {
  /**
   * Rejects when the token is invalid. The error message must not contain the token. A token whose audience is
   * `requested.endpoint` alone must be returned with that `resource`, so that it is not accepted elsewhere.
   */
  abstract verify(token: string, requested?: RequestedResource): Promise<VerifiedToken>;
}
