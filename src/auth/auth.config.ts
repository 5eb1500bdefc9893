import { ArrayNotEmpty, IsArray, IsIn, IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { isSecureUrl } from '#lib/address-guard';
import { Env, type CombinationRules } from '#lib/config';

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const;
export type KeySetAlgorithm = (typeof ALGORITHMS)[number];

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
/** The issuers whose tokens are accepted: always the gateway itself, and optionally one authorization server. */
export class AuthConfig implements CombinationRules {
  /** URL of the key set (JWKS) of the authorization server whose tokens are accepted in addition to those of the gateway. */
  @Env('ISTHMUS_AUTH_JWKS_URL')
  @IsOptional()
  @IsString()
  readonly jwksUrl?: string;

  /** The exact `iss` claim of the tokens of the authorization server. */
  @Env('ISTHMUS_AUTH_ISSUER')
  @IsOptional()
  @IsString()
  readonly issuer?: string;

  /**
   * The `aud` claims with which tokens of the authorization server are accepted at every endpoint. A token whose `aud` claim is
   * the resource that one endpoint advertises (RFC 9728) is accepted at that endpoint without an entry here.
   */
  @Env('ISTHMUS_AUTH_AUDIENCE')
  @IsArray()
  readonly audience: readonly string[] = [];

  /** The accepted signature algorithms of the tokens of the authorization server. */
  @Env('ISTHMUS_AUTH_ALGORITHMS')
  @ArrayNotEmpty()
  @IsIn(ALGORITHMS, { each: true, message: `each must be one of ${ALGORITHMS.join(', ')}` })
  readonly algorithms: readonly KeySetAlgorithm[] = ['RS256', 'ES256'];

  /** The scopes that every token must have. A request with a token that lacks one of them is rejected with 403. */
  @Env('ISTHMUS_AUTH_REQUIRED_SCOPES')
  @IsArray()
  @Matches(SCOPE, { each: true, message: 'each must be a scope as defined by RFC 6749' })
  readonly requiredScopes: readonly string[] = [];

  /** How long a verified token is cached. A token that its issuer revokes is accepted for at most this long. */
  @Env('ISTHMUS_AUTH_CACHE_TTL', { as: 'duration' })
  @IsInt()
  @Max(60_000, { message: 'must be at most 60s' })
  readonly cacheTtlMs: number = 60_000;

  /** Minimum interval between fetches of the key set for unknown keys. A longer one reduces the load on the authorization server. */
  @Env('ISTHMUS_AUTH_JWKS_REFETCH_INTERVAL', { as: 'duration' })
  @IsInt()
  @Max(600_000, { message: 'must be at most 10m' })
  readonly jwksRefetchIntervalMs: number = 10_000;

  /**
   * Maximum number of failed authentications per client address and minute (an IPv6 network of 64 bits counts as one address).
   * Beyond it, requests without a token that this worker has verified before are rejected with 429 and `Retry-After`. Failed logins
   * over the OpenID provider count, too.
   */
  @Env('ISTHMUS_MAX_FAILED_AUTHENTICATIONS')
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  readonly maxFailedPerMinute: number = 300;

  combinationFaults(): readonly string[] {
    const { jwksUrl, issuer, audience } = this;
    if (jwksUrl === undefined) {
      if (issuer === undefined && audience.length === 0) return [];
      return ['ISTHMUS_AUTH_JWKS_URL: is missing, so ISTHMUS_AUTH_ISSUER and ISTHMUS_AUTH_AUDIENCE have no effect.'];
    }
    return [
      ...(isTrustworthy(jwksUrl)
        ? []
        : ['ISTHMUS_AUTH_JWKS_URL: must be an https URL; http is allowed for loopback only.']),
      ...(issuer === undefined ? ['ISTHMUS_AUTH_JWKS_URL: requires ISTHMUS_AUTH_ISSUER.'] : []),
      ...(issuer === 'isthmus' ? ['ISTHMUS_AUTH_ISSUER: isthmus is the issuer name of the gateway itself.'] : []),
    ];
  }
}

function isTrustworthy(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && isSecureUrl(url);
}
