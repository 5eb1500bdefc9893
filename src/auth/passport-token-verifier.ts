import { Injectable, Logger } from '@nestjs/common';
import { decodeProtectedHeader } from 'jose';
import passport from 'passport';
import { Clock, GatewayError, TokenVerifier, type RequestedResource, type VerifiedToken } from '#lib/extension-kit';
import { DataFolder } from '../data-folder/index.js';
import { requireAudience } from './audience.js';
import { AuthConfig } from './auth.config.js';
import { TokenRefused } from './auth.errors.js';
import { KeySetJwtStrategy, LOCAL_ALGORITHM, LOCAL_AUDIENCE, LocalJwtStrategy } from './jwt-strategies.js';
import { fetchKeySet, RotatingKeys } from './keys/index.js';

const MAX_TOKEN_LENGTH = 8_192;

type StrategyName = 'local' | 'key-set';
type Middleware = (request: object, response: object, next: (fault?: unknown) => void) => void;

/** Verifies tokens of the gateway itself and of the configured authorization server, with passport-jwt. */
@Injectable()
export class PassportTokenVerifier extends TokenVerifier {
  private readonly logger = new Logger('TokenVerifier');
  // A private instance, because in the process-wide one a second gateway in the process would replace the keys of the
  // first. Strategies are registered by name, because Passport stores the state of a request on a strategy object.
  private readonly passport = new passport.Passport();
  private readonly keySetAlgorithms: readonly string[];
  private readonly audiences: Readonly<Record<StrategyName, readonly string[]>>;

  constructor(config: AuthConfig, folder: DataFolder, clock: Clock) {
    super();
    this.passport.use('local', new LocalJwtStrategy(folder.secrets.jwt));
    this.audiences = { local: [LOCAL_AUDIENCE], 'key-set': config.audience };
    this.keySetAlgorithms = config.jwksUrl === undefined ? [] : config.algorithms;
    if (config.jwksUrl === undefined) return;
    const keys = new RotatingKeys(fetchKeySet(config.jwksUrl, clock), config.jwksRefetchIntervalMs, clock);
    this.passport.use('key-set', new KeySetJwtStrategy(config, keys));
  }

  /** Rejects with TokenRefused, or with KeysUnavailable when a key set cannot be fetched. */
  async verify(token: string, requested?: RequestedResource): Promise<VerifiedToken> {
    if (token.length > MAX_TOKEN_LENGTH) throw new TokenRefused('The token is too long.');
    const strategy = this.strategyFor(token);
    return requireAudience(await this.authenticate(token, strategy), this.audiences[strategy], requested);
  }

  private authenticate(token: string, strategy: StrategyName): Promise<VerifiedToken> {
    const request = { headers: { authorization: `Bearer ${token}` } };
    return new Promise((resolve, reject) => {
      const decide = (fault: unknown, verified?: VerifiedToken | false | null, reason?: unknown) =>
        verified ? resolve(verified) : reject(this.toRefusal(fault ?? reason));
      // The typings of Passport do not declare what `authenticate` returns.
      const authenticate = this.passport.authenticate(strategy, { session: false }, decide) as Middleware;
      authenticate(request, {}, reject);
    });
  }

  /** Selects the strategy by the algorithm of the token. The strategy accepts only its own algorithms. */
  private strategyFor(token: string): StrategyName {
    const { alg, crit } = readHeader(token);
    // A verifier must reject a token with a critical extension that it does not support (RFC 7515, 4.1.11).
    if (crit !== undefined) throw new TokenRefused('The token requires an extension that is not supported.');
    if (alg === LOCAL_ALGORITHM) return 'local';
    if (alg !== undefined && this.keySetAlgorithms.includes(alg)) return 'key-set';
    throw new TokenRefused('The token is signed with an algorithm that this gateway does not accept.');
  }

  private toRefusal(reason: unknown): Error {
    if (reason instanceof TokenRefused || reason instanceof GatewayError) return reason;
    if (!(reason instanceof Error)) return new TokenRefused('The token is not valid.');
    this.logger.debug(`Refused a token: ${reason.message}`);
    return new TokenRefused(toMessage(reason));
  }
}

function readHeader(token: string) {
  try {
    return decodeProtectedHeader(token);
  } catch {
    throw new TokenRefused('The token is malformed.');
  }
}

/** jsonwebtoken distinguishes its reasons by error name and by the start of the message. */
function toMessage({ name, message }: Error): string {
  if (name === 'TokenExpiredError') return 'The token has expired.';
  if (name === 'NotBeforeError') return 'The token is not valid yet.';
  if (message.startsWith('jwt issuer')) return 'The token was issued by another issuer.';
  return 'The token is malformed or its signature is invalid.';
}
