import { Injectable } from '@nestjs/common';
import { Clock, InjectDefault, TokenVerifier, type RequestedResource, type VerifiedToken } from 'isthmus/extension-kit';

const PREFIX = 'acme-badge-';
const LIFETIME_MS = 5 * 60_000;

/** The badges in force. A real team would ask its own directory. */
const HOLDERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['7f3a91c2d4', ['user']],
  ['c06b15e87d', ['user', 'treasurer']],
]);

/** Accepts the number of an employee's badge as a bearer token, and leaves every other token to the gateway. */
@Injectable()
export class BadgeVerifier extends TokenVerifier {
  constructor(
    @InjectDefault(TokenVerifier) private readonly standard: TokenVerifier,
    private readonly clock: Clock,
  ) {
    super();
  }

  override verify(token: string, requested?: RequestedResource): Promise<VerifiedToken> {
    if (!token.startsWith(PREFIX)) return this.standard.verify(token, requested);
    const badge = token.slice(PREFIX.length);
    const roles = HOLDERS.get(badge);
    if (!roles) return Promise.reject(new Error('No badge has this number.'));
    return Promise.resolve({
      principal: { issuer: 'acme-badges', subject: badge },
      roles,
      teams: [],
      scopes: [],
      expiresAtMs: this.clock.now() + LIFETIME_MS,
      claims: {},
    });
  }
}
