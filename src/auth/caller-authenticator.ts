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

/** The parts of a request that determine its endpoint. */
interface Target {
  readonly path: string | undefined;
  readonly host: string | undefined;
}

/** Authenticates the caller of a request by its bearer token. */
@Injectable()
export class CallerAuthenticator {
  private readonly logger = new Logger('CallerAuthenticator');
  /** Callers of tokens for the whole gateway, by `Authorization` header. */
  private readonly verifiedCallers: VerifiedCallerCache;
  /** Callers of tokens for one endpoint alone. A cache of its own, so that no header is mistaken for one of its keys. */
  private readonly endpointCallers: VerifiedCallerCache;
  /** Requests with a token that is no personal access token, by whether its caller was cached. */
  readonly lookups = { hits: 0, misses: 0 };
  private readonly failures: FailedAuthentications;
  /** Callers by verified personal access token. */
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
    this.endpointCallers = new VerifiedCallerCache(clock);
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
      if (caller !== undefined) return this.countHit(caller);
    }
    const target = { path, host };
    const token = BEARER.exec(authorization ?? '')?.[1];
    if (token !== undefined && isAccessToken(token)) {
      const wasVerified = () => this.accessTokenVerifier.verifyCached(token) !== undefined;
      return this.withinBudget(client, wasVerified, () => this.verifyAccessToken(token, target));
    }
    return this.authenticateAtEndpoint(authorization ?? '', token, target, client);
  }

  /**
   * Runs a login of a client that has no token yet. Each failure counts for its address, like a token that is not valid.
   * @throws TooManyFailedAuthentications, and what `login` rejects with
   */
  limitLogin<T>(client: Pick<RequestSource, 'address'>, login: () => Promise<T>): Promise<T> {
    return this.withinBudget(
      client,
      () => false,
      login,
      () => true,
    );
  }

  /**
   * Calls the listener once when the caller's personal access token is revoked or expires, so that its open responses can be
   * cut. Returns a function that unsubscribes.
   */
  onTokenInvalidated({ accessToken }: Caller, listener: () => void): () => void {
    return accessToken === undefined ? NO_SUBSCRIPTION : this.accessTokenVerifier.onInvalidated(accessToken, listener);
  }

  private authenticateAtEndpoint(
    authorization: string,
    token: string | undefined,
    target: Target,
    client: Pick<RequestSource, 'address'> | undefined,
  ): Caller | Promise<Caller> {
    const requested = this.resource.identify(target.path, target.host);
    const endpointKey = requested.endpoint === undefined ? undefined : toEndpointKey(authorization, requested.endpoint);
    const caller = endpointKey === undefined ? undefined : this.endpointCallers.find(endpointKey);
    if (caller !== undefined) return this.countHit(caller);
    const wasVerified = () =>
      this.verifiedCallers.wasVerified(authorization) ||
      (endpointKey !== undefined && this.endpointCallers.wasVerified(endpointKey));
    return this.withinBudget(client, wasVerified, () => this.verify(authorization, token, requested, target));
  }

  /** Runs an attempt, unless the address has failed too often. With a token that was verified before, it runs nevertheless. */
  private async withinBudget<T>(
    client: Pick<RequestSource, 'address'> | undefined,
    wasVerified: () => boolean,
    attempt: () => Promise<T>,
    isFailure = (cause: unknown): boolean => cause instanceof Unauthenticated,
  ): Promise<T> {
    if (client === undefined) return attempt();
    const waitMs = this.failures.isActive && client.address !== undefined ? this.failures.waitMs(client.address) : 0;
    if (waitMs > 0 && !wasVerified()) throw new TooManyFailedAuthentications(waitMs);
    try {
      return await attempt();
    } catch (cause) {
      if (isFailure(cause) && client.address !== undefined) this.failures.add(client.address);
      throw cause;
    }
  }

  private async verify(
    authorization: string,
    token: string | undefined,
    requested: RequestedResource,
    target: Target,
  ): Promise<Caller> {
    if (token === undefined) throw this.toMissingTokenError(authorization, target);
    this.lookups.misses += 1;
    const verified = await this.verifier.verify(token, requested).catch((fault: unknown) => {
      throw this.toGatewayError(fault, target);
    });
    const caller = this.memberships.toCaller(verified);
    this.requireScopes(caller, target);
    this.store(authorization, caller, verified);
    return caller;
  }

  private countHit(caller: Caller): Caller {
    this.lookups.hits += 1;
    return caller;
  }

  private store(authorization: string, caller: Caller, { resource, expiresAtMs: expiresAt }: VerifiedToken): void {
    const until = Math.min(expiresAt, this.clock.now() + this.config.cacheTtlMs);
    if (resource === undefined) return this.verifiedCallers.store(authorization, caller, { until, expiresAt });
    return this.endpointCallers.store(toEndpointKey(authorization, resource), caller, { until, expiresAt });
  }

  /** A personal access token may be revoked at any moment, so it is validated for each request. */
  private async verifyAccessToken(token: string, target: Target): Promise<Caller> {
    const verified = await this.accessTokenVerifier.verify(token).catch((fault: unknown) => {
      throw this.toGatewayError(fault, target);
    });
    const caller = this.accessTokenCallers.get(verified) ?? this.memberships.toCaller(verified);
    this.accessTokenCallers.set(verified, caller);
    this.requireScopes(caller, target);
    return caller;
  }

  private toMissingTokenError(authorization: string, target: Target): Unauthenticated {
    if (BEARER_SCHEME.test(authorization)) return this.unauthenticated('The token is malformed.', target);
    const message = 'A bearer token is required. Send it as "Authorization: Bearer <token>".';
    return new Unauthenticated(message, this.challenge(target));
  }

  private toGatewayError(fault: unknown, target: Target): GatewayError {
    if (fault instanceof GatewayError) return fault;
    if (fault instanceof TokenRefused) return this.unauthenticated(fault.message, target);
    // The message of a custom verifier may contain anything, so it goes to the log only.
    this.logger.warn(`Refused a token: ${fault instanceof Error ? fault.message : String(fault)}`);
    return this.unauthenticated('The token is not valid.', target);
  }

  private unauthenticated(description: string, target: Target): Unauthenticated {
    const challenge = this.challenge(target, { error: 'invalid_token', description });
    return new Unauthenticated(description, challenge);
  }

  private challenge(
    { path, host }: Target,
    refusal?: { readonly error: string; readonly description: string },
  ): string {
    return this.resource.challenge(this.resource.metadataUrl(path, host), refusal);
  }

  private requireScopes(caller: Caller, target: Target): void {
    const { requiredScopes } = this.config;
    if (requiredScopes.every((scope) => caller.scopes.includes(scope))) return;
    const description = 'The token lacks a required scope.';
    const challenge = this.challenge(target, { error: 'insufficient_scope', description });
    throw new MissingScope(requiredScopes, challenge, caller);
  }

  /** A change of team memberships changes the roles and teams of callers, so cached callers must be rebuilt. */
  private clearStaleCallers(): void {
    const { state } = this.memberships;
    if (state === this.membershipState) return;
    this.membershipState = state;
    this.verifiedCallers.invalidate();
    this.endpointCallers.invalidate();
    this.accessTokenCallers = new WeakMap();
  }
}

/** No header contains a line break, so two different pairs have different keys. */
const toEndpointKey = (authorization: string, endpoint: string): string => `${authorization}\n${endpoint}`;
