import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { RoleMissing } from '../admin/index.js';
import { AuthConfig, CallerAuthenticator, TooManyFailedAuthentications } from '../auth/index.js';
import { ClientAddresses, ReceivedSource } from '../client-address/index.js';
import {
  LoginFailed,
  OpenIdConfig,
  OpenIdProvider,
  type LoginState,
  type ProviderTokens,
} from '../page-sessions/index.js';
import { PageLogin } from './page-login.js';

/** Header, claims and signature. */
const JSON_WEB_TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const WRONG_AUDIENCE = /another audience/;

/** Opens sessions for access tokens of the OpenID provider, and says what to configure when the gateway does not accept one. */
@Injectable()
export class OpenIdLogin {
  constructor(
    private readonly logins: PageLogin,
    private readonly provider: OpenIdProvider,
    private readonly authenticator: CallerAuthenticator,
    private readonly addresses: ClientAddresses,
    private readonly auth: AuthConfig,
    private readonly openId: OpenIdConfig,
  ) {}

  /**
   * Finishes a login with the answer of the provider, which is in the query of the request. Returns the value of `Set-Cookie`.
   * Rejects with LoginFailed, which says what is missing.
   */
  async finish(request: IncomingMessage, login: LoginState): Promise<string> {
    const { search } = new URL(request.url ?? '/', 'http://gateway');
    const answered = new URL(login.redirectUri + search);
    const source = new ReceivedSource(request, this.addresses);
    // Each attempt is a request to the provider, which would refuse the gateway if there were too many.
    const tokens = await this.authenticator
      .limitLogin(source, () => this.provider.finish(answered, login))
      .catch((cause: unknown) => {
        throw cause instanceof TooManyFailedAuthentications ? new LoginFailed(TOO_MANY) : cause;
      });
    return await this.login(request, tokens);
  }

  private async login(request: IncomingMessage, { accessToken, refreshToken }: ProviderTokens): Promise<string> {
    try {
      const order = { token: accessToken, refreshToken, loginMethod: 'openId' } as const;
      return (await this.logins.login(request, order)).setCookie;
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause;
      throw new LoginFailed(this.explain(cause, accessToken));
    }
  }

  private explain(cause: GatewayError, token: string): string {
    if (cause instanceof RoleMissing) return `${cause.message} ${ROLE_ADVICE}`;
    if (cause.httpStatus !== 401) return cause.message;
    const advice = this.adviceFor(cause, token);
    return `The gateway does not accept the access token of the OpenID provider: ${cause.message} ${advice}`.trim();
  }

  private adviceFor({ message }: GatewayError, token: string): string {
    if (!JSON_WEB_TOKEN.test(token)) return OPAQUE_ADVICE;
    if (this.auth.jwksUrl === undefined) return VERIFY_ADVICE;
    if (!WRONG_AUDIENCE.test(message)) return '';
    return this.openId.resource === undefined ? RESOURCE_ADVICE : AUDIENCE_ADVICE;
  }
}

const TOO_MANY = 'Too many logins from this address have failed. Retry later.';
const ROLE_ADVICE =
  'Put the role into the claim "roles" of the access token, or make the user a member of a team with that role.';
const OPAQUE_ADVICE =
  'It is not a JSON Web Token. Let the provider issue JSON Web Tokens for the gateway; many do when ISTHMUS_ADMIN_OPENID_RESOURCE is set.';
const VERIFY_ADVICE = 'Set ISTHMUS_AUTH_JWKS_URL and ISTHMUS_AUTH_ISSUER to those of the provider.';
const RESOURCE_ADVICE =
  'Set ISTHMUS_ADMIN_OPENID_RESOURCE to the public URL of the gateway, or add the audience to ISTHMUS_AUTH_AUDIENCE.';
const AUDIENCE_ADVICE = 'Add the audience of the token to ISTHMUS_AUTH_AUDIENCE.';
