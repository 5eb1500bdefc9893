import type { Principal } from './caller.js';

/** What a token said, after its signature, issuer, audience and times were checked. */
export interface VerifiedToken {
  readonly principal: Principal;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  /** Milliseconds since the Unix epoch; from then on the token is worth nothing. */
  readonly expiresAtMs: number;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Decides whether a bearer token is good and whom it names. One per gateway, replaceable. */
export abstract class TokenVerifier {
  /** Rejects when the token is not good. The reason must not repeat the token. */
  abstract verify(token: string): Promise<VerifiedToken>;
}
