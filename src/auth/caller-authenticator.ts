import { Injectable, Logger } from '@nestjs/common';
import { Clock, GatewayError, TokenVerifier, type Caller, type VerifiedToken } from '#lib/extension-kit';
import { AuthConfig } from './auth.config.js';
import { MissingScope, TokenRefused, Unauthenticated } from './auth.errors.js';
import { Memberships } from './memberships.js';
import { ProtectedResource } from './protected-resource.js';
import { isAccessToken } from '../tokens/index.js';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { VerifiedCallerCache } from './verified-caller-cache.js';

const NOTHING_TO_STOP = () => undefined;

/** RFC 6750, 2.1; the scheme knows no case (RFC 9110, 11.1). */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;
const BEARER_SCHEME = /^Bearer(?: |$)/i;

/** Says who is calling. */
@Injectable()
export class CallerAuthenticator {
  private readonly logger = new Logger('CallerAuthenticator');
  private readonly verifiedCallers: VerifiedCallerCache;
  /** Of personal access tokens. */
  private accessTokenCallers = new WeakMap<VerifiedToken, Caller>();
  private membershipState: object;

  constructor(
    private readonly verifier: TokenVerifier,
    private readonly resource: ProtectedResource,
    private readonly config: AuthConfig,
    private readonly clock: Clock,
    private readonly memberships: Memberships,
    private readonly accessTokenVerifier: AccessTokenVerifier,
  ) {
    this.verifiedCallers = new VerifiedCallerCache(clock);
    this.membershipState = memberships.state;
  }

  /**
   * The caller of a request, at once when its token was verified lately. Throws or rejects with Unauthenticated (401),
   * MissingScope (403) or another GatewayError. `path` and `host` of the request let the challenge name its endpoint.
   */
  authenticate(authorization: string | undefined, path?: string, host?: string): Caller | Promise<Caller> {
    if (authorization !== undefined) {
      this.clearStaleCallers();
      const caller = this.verifiedCallers.find(authorization);
      if (caller !== undefined) return caller;
    }
    return this.verify(authorization ?? '', this.resource.metadataUrl(path, host));
  }

  /** Calls back, once, when the caller's token turns out to be good no more while it is being answered. Returns how to stop. */
  onTokenInvalidated({ accessToken }: Caller, onGone: () => void): () => void {
    return accessToken === undefined ? NOTHING_TO_STOP : this.accessTokenVerifier.onInvalidated(accessToken, onGone);
  }

  private async verify(authorization: string, metadataUrl: string): Promise<Caller> {
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) throw this.toMissingTokenError(authorization, metadataUrl);
    if (isAccessToken(token)) return this.verifyAccessToken(token, metadataUrl);
    const verified = await this.verifier.verify(token).catch((fault: unknown) => {
      throw this.toGatewayError(fault, metadataUrl);
    });
    const caller = this.memberships.toCaller(verified);
    this.requireScopes(caller, metadataUrl);
    const until = Math.min(verified.expiresAtMs, this.clock.now() + this.config.cacheTtlMs);
    this.verifiedCallers.store(authorization, caller, until);
    return caller;
  }

  /** It may be revoked at any moment, and is looked at each time. */
  private async verifyAccessToken(token: string, metadataUrl: string): Promise<Caller> {
    const verified = await this.accessTokenVerifier.verify(token).catch((fault: unknown) => {
      throw this.toGatewayError(fault, metadataUrl);
    });
    const caller = this.accessTokenCallers.get(verified) ?? this.memberships.toCaller(verified);
    this.accessTokenCallers.set(verified, caller);
    this.requireScopes(caller, metadataUrl);
    return caller;
  }

  private toMissingTokenError(authorization: string, metadataUrl: string): Unauthenticated {
    if (BEARER_SCHEME.test(authorization)) return this.unauthenticated('The token is malformed.', metadataUrl);
    const message = 'A bearer token is needed. Send it as "Authorization: Bearer <token>".';
    return new Unauthenticated(message, this.resource.challenge(metadataUrl));
  }

  private toGatewayError(fault: unknown, metadataUrl: string): GatewayError {
    if (fault instanceof GatewayError) return fault;
    if (fault instanceof TokenRefused) return this.unauthenticated(fault.message, metadataUrl);
    // A verifier of a team's own may say anything; its words stay with the operator.
    this.logger.warn(`A token was refused: ${fault instanceof Error ? fault.message : String(fault)}`);
    return this.unauthenticated('The token is not valid.', metadataUrl);
  }

  private unauthenticated(description: string, metadataUrl: string): Unauthenticated {
    const challenge = this.resource.challenge(metadataUrl, { error: 'invalid_token', description });
    return new Unauthenticated(description, challenge);
  }

  private requireScopes(caller: Caller, metadataUrl: string): void {
    const { requiredScopes } = this.config;
    if (requiredScopes.every((scope) => caller.scopes.includes(scope))) return;
    const description = 'The token lacks a scope.';
    const challenge = this.resource.challenge(metadataUrl, { error: 'insufficient_scope', description });
    throw new MissingScope(requiredScopes, challenge);
  }

  /** Whoever joins or leaves a team is another caller from then on. */
  private clearStaleCallers(): void {
    const { state } = this.memberships;
    if (state === this.membershipState) return;
    this.membershipState = state;
    this.verifiedCallers.clear();
    this.accessTokenCallers = new WeakMap();
  }
}
