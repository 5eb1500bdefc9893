import { Injectable } from '@nestjs/common';
import type { VerifiedToken } from '#lib/extension-kit';
import { AccessTokens, type AccessToken } from '../tokens/index.js';
import { TokenRefused, TokensUnavailable } from './auth.errors.js';

/** Verifies personal access tokens. */
@Injectable()
export class AccessTokenVerifier {
  /** The same object each time, so that its caller stays the same. */
  private readonly verifiedTokens = new WeakMap<AccessToken, VerifiedToken>();

  constructor(private readonly tokens: AccessTokens) {}

  /** Calls back, once, when a token is revoked or expires. Returns how to stop. */
  onInvalidated(id: string, listener: () => void): () => void {
    return this.tokens.onInvalidated(id, listener);
  }

  /** Rejects with TokenRefused, or with TokensUnavailable while the database cannot be asked. */
  async verify(text: string): Promise<VerifiedToken> {
    const token = await this.tokens.validate(text);
    if (token === 'unknown') throw new TokensUnavailable();
    if (token === 'refused') throw new TokenRefused('The access token is unknown, has expired or was revoked.');
    const known = this.verifiedTokens.get(token) ?? verifiedOf(token);
    this.verifiedTokens.set(token, known);
    return known;
  }
}

function verifiedOf({
  id,
  issuer,
  subject,
  roles,
  teamRoles,
  teams,
  scopes,
  servers,
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
    expiresAtMs: expiresAt.getTime(),
    claims: { iss: issuer, sub: subject, jti: id, exp: Math.floor(expiresAt.getTime() / 1_000) },
  };
}
