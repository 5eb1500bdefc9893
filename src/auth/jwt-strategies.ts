/**
 * Two strategies instead of one with a list of algorithms: each has its own kind of key, algorithms, issuer and audience,
 * so that no token can be verified by the rules of the other (RFC 8725, 3.1). The audience depends on the requested endpoint,
 * so `requireAudience` checks it.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { PassportStrategy } from '@nestjs/passport';
import { decodeProtectedHeader } from 'jose';
import { ExtractJwt, Strategy, type SecretOrKeyProvider } from 'passport-jwt';
import type { VerifiedToken } from '#lib/extension-kit';
import type { AuthConfig } from './auth.config.js';
import { readClaims } from './claims.js';
import type { RotatingKeys } from './keys/index.js';

/** `iss` and `aud` of the tokens that the gateway issues itself. */
export const LOCAL_ISSUER = 'isthmus';
export const LOCAL_AUDIENCE = 'isthmus';
export const LOCAL_ALGORITHM = 'HS256';

/** Accepted clock skew in seconds: between workers that share the local secret, and with the authorization server. */
const LOCAL_CLOCK_SKEW = 5;
const REMOTE_CLOCK_SKEW = 30;

/** Verifies tokens signed with the local secret. */
export class LocalJwtStrategy extends PassportStrategy(Strategy, 'isthmus-local') {
  constructor(secret: Buffer) {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      // A KeyObject is imported once; a plain secret would be imported again for every token.
      secretOrKey: asPassportKey(createSecretKey(secret)),
      algorithms: [LOCAL_ALGORITHM],
      issuer: LOCAL_ISSUER,
      jsonWebTokenOptions: { clockTolerance: LOCAL_CLOCK_SKEW },
    });
  }

  validate(payload: unknown): VerifiedToken {
    return readClaims(payload, LOCAL_CLOCK_SKEW);
  }
}

/** Verifies tokens of the configured authorization server, signed with a key of its key set. */
export class KeySetJwtStrategy extends PassportStrategy(Strategy, 'isthmus-key-set') {
  constructor(config: AuthConfig, keys: RotatingKeys) {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKeyProvider: keyFrom(keys),
      algorithms: [...config.algorithms],
      issuer: config.issuer,
      jsonWebTokenOptions: { clockTolerance: REMOTE_CLOCK_SKEW },
    });
  }

  validate(payload: unknown): VerifiedToken {
    return readClaims(payload, REMOTE_CLOCK_SKEW);
  }
}

const keyFrom =
  (keys: RotatingKeys): SecretOrKeyProvider =>
  (_request, token: string, done) => {
    const { kid, alg = '' } = decodeProtectedHeader(token);
    keys.find(kid, alg).then((key) => done(null, asPassportKey(key)), done);
  };

/** The typings of passport-jwt predate KeyObject; jsonwebtoken, which verifies for it, accepts one. */
const asPassportKey = (key: KeyObject): Buffer => key as unknown as Buffer;
