import { Injectable, Logger } from '@nestjs/common';
import {
  Clock,
  GatewayError,
  TokenVerifier,
  type Caller,
  type RequestedResource,
  type VerifiedToken,
} from '#lib/extension-kit';
import type { RequestSource } from '../client-address/index.js';
import { AuthConfig } from './auth.config.js';
import { MissingScope, TokenRefused, TooManyFailedAuthentications, Unauthenticated } from './auth.errors.js';
import { FailedAuthentications } from './failed-authentications.js';
import { ProtectedResource } from './protected-resource.js';
import { Memberships } from '../memberships/index.js';
import { isAccessToken } from '../tokens/index.js';
import { AccessTokenVerifier } from './access-token-verifier.js';
import { VerifiedCallerCache } from './verified-caller-cache.js';

const NO_SUBSCRIPTION = () => undefined;

/** RFC 6750, 2.1; the scheme is case-insensitive (RFC 9110, 11.1). */
const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;
const BEARER_SCHEME = /^Bearer(?: |$)/i;

/** Authenticates the caller of a request by its bearer token. */
@Injectable()
export class CallerAuthenticator {
  private readonly logger = new Logger('CallerAuthenticator');
  private readonly verifiedCallers: VerifiedCallerCache;
  private readonly failures: FailedAuthentications;
  /** Callers by verified personal access token. */
  private accessTokenCallers = new WeakMap<VerifiedToken, Caller>();
  private membershipState: object;
  /** True once a token was verified for one endpoint alone. Without such a token, one look-up in the cache suffices. */
  private hasTokensOfEndpoints = false;

  constructor(
    private readonly verifier: TokenVerifier,
    private readonly resource: ProtectedResource,
    private readonly config: AuthConfig,
    private readonly clock: Clock,
    private readonly memberships: Memberships,
    private readonly accessTokenVerifier: AccessTokenVerifier,
  ) {
    this.verifiedCallers = new VerifiedCallerCache(clock);
    this.failures = new FailedAuthentications(config.maxFailedPerMinute, clock);
    this.membershipState = memberships.state;
  }

  /**
   * Returns the caller of a request, synchronously when its token is in the cache. Throws or rejects with Unauthenticated
   * (401), MissingScope (403), TooManyFailedAuthentications (429) or another GatewayError. `path` and `host` of the request
   * determine its endpoint. Failures count for the address of `client`.
   */
  authenticate(
    authorization: string | undefined,
    path?: string,
    host?: string,
    client?: Pick<RequestSource, 'address'>,
  ): Caller | Promise<Caller> {
    if (authorization !== undefined) {
      this.clearStaleCallers();
      const caller = this.verifiedCallers.find(authorization);
      if (caller !== undefined) return caller;
      const endpointCaller = this.hasTokensOfEndpoints ? this.findForEndpoint(authorization, path, host) : undefined;
      if (endpointCaller !== undefined) return endpointCaller;
    }
    const requested = this.resource.identify(path, host);
    const verify = () => this.verify(authorization ?? '', requested, this.resource.metadataUrl(path, host));
    if (!client) return verify();
    const wasVerified = () => this.wasVerified(authorization ?? '', requested);
    return this.withinBudget(client, wasVerified, verify);
  }

  /**
   * Calls the listener once when the caller's personal access token is revoked or expires, so that its open responses can be
   * cut. Returns a function that unsubscribes.
   */
  onTokenInvalidated({ accessToken }: Caller, listener: () => void): () => void {
    return accessToken === undefined ? NO_SUBSCRIPTION : this.accessTokenVerifier.onInvalidated(accessToken, listener);
  }

  /** A token for one endpoint is cached for that endpoint only. */
  private findForEndpoint(authorization: string, path?: string, host?: string): Caller | undefined {
    const { endpoint } = this.resource.identify(path, host);
    return endpoint === undefined ? undefined : this.verifiedCallers.find(toCacheKey(authorization, endpoint));
  }

  /** Verifies a token, unless the address has failed too often. A token that was verified before passes nevertheless. */
  private async withinBudget(
    client: Pick<RequestSource, 'address'>,
    wasVerified: () => boolean,
    verify: () => Promise<Caller>,
  ): Promise<Caller> {
    const waitMs = this.failures.isActive && client.address !== undefined ? this.failures.waitMs(client.address) : 0;
    if (waitMs > 0 && !wasVerified()) throw new TooManyFailedAuthentications(waitMs);
    try {
      return await verify();
    } catch (cause) {
      if (cause instanceof Unauthenticated && client.address !== undefined) this.failures.add(client.address);
      throw cause;
    }
  }

  private wasVerified(authorization: string, { endpoint }: RequestedResource): boolean {
    const token = BEARER.exec(authorization)?.[1] ?? '';
    if (isAccessToken(token)) return this.accessTokenVerifier.verifyCached(token) !== undefined;
    const keys = [authorization, toCacheKey(authorization, endpoint)];
    return keys.some((key) => this.verifiedCallers.wasVerified(key));
  }

  private async verify(authorization: string, requested: RequestedResource, metadataUrl: string): Promise<Caller> {
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) throw this.toMissingTokenError(authorization, metadataUrl);
    if (isAccessToken(token)) return this.verifyAccessToken(token, metadataUrl);
    const verified = await this.verifier.verify(token, requested).catch((fault: unknown) => {
      throw this.toGatewayError(fault, metadataUrl);
    });
    const caller = this.memberships.toCaller(verified);
    this.requireScopes(caller, metadataUrl);
    const until = Math.min(verified.expiresAtMs, this.clock.now() + this.config.cacheTtlMs);
    const { resource } = verified;
    this.hasTokensOfEndpoints ||= resource !== undefined;
    this.verifiedCallers.store(toCacheKey(authorization, resource), caller, { until, expiresAt: verified.expiresAtMs });
    return caller;
  }

  /** A personal access token may be revoked at any moment, so it is validated for each request. */
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
    const message = 'A bearer token is required. Send it as "Authorization: Bearer <token>".';
    return new Unauthenticated(message, this.resource.challenge(metadataUrl));
  }

  private toGatewayError(fault: unknown, metadataUrl: string): GatewayError {
    if (fault instanceof GatewayError) return fault;
    if (fault instanceof TokenRefused) return this.unauthenticated(fault.message, metadataUrl);
    // The message of a custom verifier may contain anything, so it goes to the log only.
    this.logger.warn(`Refused a token: ${fault instanceof Error ? fault.message : String(fault)}`);
    return this.unauthenticated('The token is not valid.', metadataUrl);
  }

  private unauthenticated(description: string, metadataUrl: string): Unauthenticated {
    const challenge = this.resource.challenge(metadataUrl, { error: 'invalid_token', description });
    return new Unauthenticated(description, challenge);
  }

  private requireScopes(caller: Caller, metadataUrl: string): void {
    const { requiredScopes } = this.config;
    if (requiredScopes.every((scope) => caller.scopes.includes(scope))) return;
    const description = 'The token lacks a required scope.';
    const challenge = this.resource.challenge(metadataUrl, { error: 'insufficient_scope', description });
    throw new MissingScope(requiredScopes, challenge, caller);
  }

  /** A change of team memberships changes the roles and teams of callers, so cached callers must be rebuilt. */
  private clearStaleCallers(): void {
    const { state } = this.memberships;
    if (state === this.membershipState) return;
    this.membershipState = state;
    this.verifiedCallers.invalidate();
    this.accessTokenCallers = new WeakMap();
  }
}

/** No identifier of a resource contains a blank. */
const toCacheKey = (authorization: string, resource: string | undefined): string =>
  resource === undefined ? authorization : `${resource} ${authorization}`;
