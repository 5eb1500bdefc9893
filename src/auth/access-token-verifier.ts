import { Injectable } from '@nestjs/common';
import type { VerifiedToken } from '#lib/extension-kit';
import { AccessTokens, type AccessToken } from '../tokens/index.js';
import { TokenRefused, TokensUnavailable } from './auth.errors.js';

/** Verifies personal access tokens. */
@Injectable()
export class AccessTokenVerifier {
  /** Returns the same object for the same token, so that its caller can be cached by identity. */
  private readonly verifiedTokens = new WeakMap<AccessToken, VerifiedToken>();

  constructor(private readonly tokens: AccessTokens) {}

  /** Calls the listener once when the token is revoked or expires. Returns a function that unsubscribes. */
  onInvalidated(id: string, listener: () => void): () => void {
    return this.tokens.onInvalidated(id, listener);
  }

  /** Rejects with TokenRefused, or with TokensUnavailable while the revocation state is unknown. */
  async verify(text: string): Promise<VerifiedToken> {
    const token = await this.tokens.validate(text);
    if (token === 'unknown') throw new TokensUnavailable();
    if (token === 'refused') throw new TokenRefused('The access token does not exist, has expired or was revoked.');
    return this.toVerified(token);
  }

  /** Returns the content of a token that this worker can validate without a query. */
  verifyCached(text: string): VerifiedToken | undefined {
    const token = this.tokens.validateCached(text);
    return token && this.toVerified(token);
  }

  private toVerified(token: AccessToken): VerifiedToken {
    const verified = this.verifiedTokens.get(token) ?? toVerifiedToken(token);
    this.verifiedTokens.set(token, verified);
    return verified;
  }
}

/** What a personal access token states about its caller. */
export function toVerifiedToken({
  id,
  issuer,
  subject,
  roles,
  teamRoles,
  teams,
  scopes,
  servers,
  serverIdentities,
  expiresAt,
}: AccessToken): VerifiedToken {
  return {
    principal: { issuer, subject },
    accessToken: id,
    roles,
    ...(teamRoles && { teamRoles }),
    teams,
    scopes,
    ...(servers && { servers }),
    ...(serverIdentities && { serverIdentities }),
    expiresAtMs: expiresAt.getTime(),
    claims: { iss: issuer, sub: subject, jti: id, exp: Math.floor(expiresAt.getTime() / 1_000) },
  };
}
