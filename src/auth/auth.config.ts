import { ArrayNotEmpty, IsArray, IsIn, IsInt, IsOptional, IsString, Matches, Max } from 'class-validator';
import { Env, type Combined } from '#lib/config';

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const;
export type KeySetAlgorithm = (typeof ALGORITHMS)[number];

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whose tokens let callers in. Tokens signed with the local secret always do; those of one other issuer may. */
export class AuthConfig implements Combined {
  /** Key set (JWKS) of the authorization server whose tokens are accepted beside the gateway's own. */
  @Env('ISTHMUS_AUTH_JWKS_URL')
  @IsOptional()
  @IsString()
  readonly jwksUrl?: string;

  /** The `iss` of those tokens, exactly as it stands in them. */
  @Env('ISTHMUS_AUTH_ISSUER')
  @IsOptional()
  @IsString()
  readonly issuer?: string;

  /** The `aud` values under which those tokens are meant for this gateway; a token needs one of them. */
  @Env('ISTHMUS_AUTH_AUDIENCE')
  @IsArray()
  readonly audience: readonly string[] = [];

  /** Signature algorithms that those tokens may use. */
  @Env('ISTHMUS_AUTH_ALGORITHMS')
  @ArrayNotEmpty()
  @IsIn(ALGORITHMS, { each: true, message: `each must be one of ${ALGORITHMS.join(', ')}` })
  readonly algorithms: readonly KeySetAlgorithm[] = ['RS256', 'ES256'];

  /** Scopes that every token must hold to be let in at all. */
  @Env('ISTHMUS_AUTH_REQUIRED_SCOPES')
  @IsArray()
  @Matches(SCOPE, { each: true, message: 'each must be a scope as RFC 6749 writes it' })
  readonly requiredScopes: readonly string[] = [];

  /** How long a verified token is trusted without looking at it again. A revoked token works at most this long. */
  @Env('ISTHMUS_AUTH_CACHE_TTL', { as: 'duration' })
  @IsInt()
  @Max(60_000, { message: 'must be at most 60s' })
  readonly cacheTtlMs: number = 60_000;

  /** How often the key set may be asked for a key that is not in it yet. Longer spares the authorization server. */
  @Env('ISTHMUS_AUTH_JWKS_REFETCH_INTERVAL', { as: 'duration' })
  @IsInt()
  @Max(600_000, { message: 'must be at most 10m' })
  readonly jwksRefetchIntervalMs: number = 10_000;

  combinationFaults(): readonly string[] {
    const { jwksUrl, issuer, audience } = this;
    if (jwksUrl === undefined) {
      if (issuer === undefined && audience.length === 0) return [];
      return ['ISTHMUS_AUTH_JWKS_URL: is missing, so that ISTHMUS_AUTH_ISSUER and ISTHMUS_AUTH_AUDIENCE mean nothing.'];
    }
    return [
      ...(isTrustworthy(jwksUrl) ? [] : ['ISTHMUS_AUTH_JWKS_URL: must be an https URL; http is for loopback only.']),
      ...(issuer === undefined ? ['ISTHMUS_AUTH_JWKS_URL: needs ISTHMUS_AUTH_ISSUER beside it.'] : []),
      ...(issuer === 'isthmus' ? ['ISTHMUS_AUTH_ISSUER: isthmus is the name of the gateway itself.'] : []),
      ...(audience.length === 0 ? ['ISTHMUS_AUTH_JWKS_URL: needs ISTHMUS_AUTH_AUDIENCE beside it.'] : []),
    ];
  }
}

function isTrustworthy(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
}
