import { Injectable, Logger } from '@nestjs/common';
import { decodeProtectedHeader } from 'jose';
import passport from 'passport';
import { Clock, GatewayError, TokenVerifier, type VerifiedToken } from '#lib/extension-kit';
import { DataFolder } from '../data-folder/index.js';
import { AuthConfig } from './auth.config.js';
import { TokenRefused } from './auth.errors.js';
import { KeySetJwtStrategy, LOCAL_ALGORITHM, LocalJwtStrategy } from './jwt-strategies.js';
import { fetchKeySet, RotatingKeys } from './keys/index.js';

const LONGEST_TOKEN = 8_192;

type Middleware = (request: object, response: object, next: (fault?: unknown) => void) => void;

/** Verifies tokens with passport-jwt: the gateway's own, and those of one authorization server if it is configured. */
@Injectable()
export class PassportTokenVerifier extends TokenVerifier {
  private readonly logger = new Logger('TokenVerifier');
  // Not the process-wide instance, where the keys of a second gateway in the process would replace ours. And strategies
  // by name, never as objects: Passport keeps the state of a request on an object that it is given.
  private readonly passport = new passport.Passport();
  private readonly keySetAlgorithms: readonly string[];

  constructor(config: AuthConfig, folder: DataFolder, clock: Clock) {
    super();
    this.passport.use('local', new LocalJwtStrategy(folder.secrets.jwt));
    this.keySetAlgorithms = config.jwksUrl === undefined ? [] : config.algorithms;
    if (config.jwksUrl === undefined) return;
    const keys = new RotatingKeys(fetchKeySet(config.jwksUrl), config.jwksRefetchIntervalMs, clock);
    this.passport.use('key-set', new KeySetJwtStrategy(config, keys));
  }

  /** Rejects with TokenRefused, or with KeysUnavailable when a key set cannot be fetched. */
  async verify(token: string): Promise<VerifiedToken> {
    if (token.length > LONGEST_TOKEN) throw new TokenRefused('The token is too long.');
    const strategy = this.strategyFor(token);
    const request = { headers: { authorization: `Bearer ${token}` } };
    return new Promise((resolve, reject) => {
      const decide = (fault: unknown, verified?: VerifiedToken | false | null, reason?: unknown) =>
        verified ? resolve(verified) : reject(this.toRefusal(fault ?? reason));
      // Passport's typings leave open what they return.
      const authenticate = this.passport.authenticate(strategy, { session: false }, decide) as Middleware;
      authenticate(request, {}, reject);
    });
  }

  /** The algorithm chooses the strategy, and the strategy accepts no other. */
  private strategyFor(token: string): 'local' | 'key-set' {
    const { alg, crit } = readHeader(token);
    // Whoever ignores an extension that was marked critical misreads the token (RFC 7515, 4.1.11).
    if (crit !== undefined) throw new TokenRefused('The token demands an extension that is not supported.');
    if (alg === LOCAL_ALGORITHM) return 'local';
    if (alg !== undefined && this.keySetAlgorithms.includes(alg)) return 'key-set';
    throw new TokenRefused('The token is signed with an algorithm that is not accepted here.');
  }

  private toRefusal(reason: unknown): Error {
    if (reason instanceof TokenRefused || reason instanceof GatewayError) return reason;
    if (!(reason instanceof Error)) return new TokenRefused('The token is not valid.');
    this.logger.debug(`A token was refused: ${reason.message}`);
    return new TokenRefused(describe(reason));
  }
}

function readHeader(token: string) {
  try {
    return decodeProtectedHeader(token);
  } catch {
    throw new TokenRefused('The token is malformed.');
  }
}

/** jsonwebtoken tells its reasons apart by name and by the start of the message. */
function describe({ name, message }: Error): string {
  if (name === 'TokenExpiredError') return 'The token has expired.';
  if (name === 'NotBeforeError') return 'The token is not valid yet.';
  if (message.startsWith('jwt audience')) return 'The token was issued for another audience.';
  if (message.startsWith('jwt issuer')) return 'The token comes from another issuer.';
  return 'The token is malformed or its signature is wrong.';
}
