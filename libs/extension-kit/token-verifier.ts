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
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Validates a bearer token and returns its content. There is one per gateway; an extension may replace it. */
export abstract class TokenVerifier {
  /** Rejects when the token is invalid. The error message must not contain the token. */
  abstract verify(token: string): Promise<VerifiedToken>;
}
