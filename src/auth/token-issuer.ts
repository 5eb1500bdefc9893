import { createSecretKey, randomUUID, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SignJWT } from 'jose';
import { Clock } from '#lib/extension-kit';
import { DataFolder } from '../data-folder/index.js';
import { AuthConfig } from './auth.config.js';
import { LOCAL_ALGORITHM, LOCAL_AUDIENCE, LOCAL_ISSUER } from './jwt-strategies.js';

export interface TokenOptions {
  readonly subject: string;
  readonly roles?: readonly string[];
  /** Default: the scopes that this gateway requires of every token. */
  readonly scopes?: readonly string[];
  readonly expiresInSeconds: number;
  /** Default: this gateway. */
  readonly audience?: string;
}

/** Issues tokens signed with the local secret. */
@Injectable()
export class TokenIssuer {
  private readonly key: KeyObject;

  constructor(
    folder: DataFolder,
    private readonly config: AuthConfig,
    private readonly clock: Clock,
  ) {
    this.key = createSecretKey(folder.secrets.jwt);
  }

  issue(options: TokenOptions): Promise<string> {
    const { subject, roles = [], scopes = this.config.requiredScopes, expiresInSeconds, audience } = options;
    const issuedAt = Math.floor(this.clock.now() / 1_000);
    const claims = {
      ...(roles.length > 0 && { roles: [...roles] }),
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: LOCAL_ALGORITHM, typ: 'JWT' })
      .setIssuer(LOCAL_ISSUER)
      .setAudience(audience ?? LOCAL_AUDIENCE)
      .setSubject(subject)
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + expiresInSeconds)
      .sign(this.key);
  }
}
