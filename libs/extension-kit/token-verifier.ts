import type { Principal } from './caller.js';

/** What a token said, after its signature, issuer, audience and times were checked. */
export interface VerifiedToken {
  readonly principal: Principal;
  readonly roles: readonly string[];
  /** Roles that a personal access token has as long as a team gives them to its subject. */
  readonly teamRoles?: readonly string[];
  readonly teams: readonly string[];
  /** Slugs of the servers that the token is good for. Absent: all. */
  readonly servers?: readonly string[];
  readonly scopes: readonly string[];
  /** Names a personal access token. It was given its roles: those that its subject has by its teams are not added. */
  readonly accessToken?: string;
  /** Milliseconds since the Unix epoch; from then on the token is worth nothing. */
  readonly expiresAtMs: number;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Decides whether a bearer token is good and whom it names. One per gateway, replaceable. */
export abstract class TokenVerifier {
  /** Rejects when the token is not good. The reason must not repeat the token. */
  abstract verify(token: string): Promise<VerifiedToken>;
}
