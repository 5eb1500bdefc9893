import { ArrayContains, IsArray, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { isSecureUrl } from '#lib/address-guard';
import { Env, type CombinationRules } from '#lib/config';

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
/** The OpenID provider over which people log in to the admin page. Without it, they paste a token. */
export class OpenIdConfig implements CombinationRules {
  /**
   * Issuer URL of the OpenID provider over which people log in to the admin page. Its access tokens must be JSON Web Tokens that
   * the gateway accepts, so `ISTHMUS_AUTH_JWKS_URL` and `ISTHMUS_AUTH_ISSUER` usually name the same provider.
   */
  @Env('ISTHMUS_ADMIN_OPENID_ISSUER')
  @IsOptional()
  @IsString()
  readonly issuer?: string;

  /**
   * Id under which the gateway is registered as a client of the OpenID provider, with the redirect URI
   * `<public URL>/admin/ui/callback`.
   */
  @Env('ISTHMUS_ADMIN_OPENID_CLIENT_ID')
  @IsOptional()
  @IsString()
  @MaxLength(512)
  readonly clientId?: string;

  /** Secret of that client. Unset for a public client, which proves itself by PKCE alone. */
  @Env('ISTHMUS_ADMIN_OPENID_CLIENT_SECRET', { secret: true })
  @IsOptional()
  @IsString()
  @MaxLength(4_096)
  readonly clientSecret?: string;

  /**
   * Scopes that a login requests. `openid` must be among them. With `offline_access` the provider issues a refresh token, with
   * which a session lasts up to 12 hours instead of ending with its first access token.
   */
  @Env('ISTHMUS_ADMIN_OPENID_SCOPES')
  @IsArray()
  @ArrayContains(['openid'], { message: 'must contain openid' })
  @Matches(SCOPE, { each: true, message: 'each must be a scope as defined by RFC 6749' })
  readonly scopes: readonly string[] = ['openid'];

  /**
   * Resource for which the access token is requested (RFC 8707), usually the public URL of the gateway. Many providers issue a JSON
   * Web Token with this audience only if the resource is requested. Unset: none is requested.
   */
  @Env('ISTHMUS_ADMIN_OPENID_RESOURCE')
  @IsOptional()
  @Matches(/^[a-z][a-z\d+.-]*:[^\s#"\\]+$/i, { message: 'must be an absolute URI without a fragment' })
  readonly resource?: string;

  combinationFaults(): readonly string[] {
    const { issuer, clientId, clientSecret, resource } = this;
    if (issuer === undefined) {
      if (clientId === undefined && clientSecret === undefined && resource === undefined) return [];
      return ['ISTHMUS_ADMIN_OPENID_ISSUER: is missing, so the other ISTHMUS_ADMIN_OPENID_ settings have no effect.'];
    }
    return [
      ...(isTrustworthy(issuer)
        ? []
        : ['ISTHMUS_ADMIN_OPENID_ISSUER: must be an https URL; http is allowed for loopback only.']),
      ...(clientId === undefined ? ['ISTHMUS_ADMIN_OPENID_ISSUER: requires ISTHMUS_ADMIN_OPENID_CLIENT_ID.'] : []),
    ];
  }
}

function isTrustworthy(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && isSecureUrl(url);
}
