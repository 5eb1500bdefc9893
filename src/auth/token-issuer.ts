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
  /** Without: the scopes that every token needs here. */
  readonly scopes?: readonly string[];
  readonly expiresInSeconds: number;
  /** Without: this gateway. */
  readonly audience?: string;
}

/** Makes tokens that are signed with the local secret. */
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

  issue(order: TokenOptions): Promise<string> {
    const { subject, roles = [], scopes = this.config.requiredScopes, expiresInSeconds, audience } = order;
    const issuedAt = Math.floor(this.clock.now() / 1_000);
    const granted = {
      ...(roles.length > 0 && { roles: [...roles] }),
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    };
    return new SignJWT(granted)
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
