import { Injectable, Logger } from '@nestjs/common';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  discovery,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  refreshTokenGrant,
  ResponseBodyError,
  tokenRevocation,
  type Configuration,
} from 'openid-client';
import { chooseClientAuthentication } from './client-authentication.js';
import { LoginFailed, RenewalRefused } from './open-id.errors.js';
import { OpenIdConfig } from './open-id.config.js';
import { toLoginFailure } from './login-failure.js';

const REQUEST_TIMEOUT_SECONDS = 10;
/** Status codes with which a provider says that a refresh token is of no use. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401]);

/** A login that has begun: what the answer of the provider is checked against. */
export interface BegunLogin {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** Tokens that the provider has issued. */
export interface ProviderTokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** Undefined: the provider does not say. */
  readonly expiresInMs: number | undefined;
}

/** A client of the configured OpenID provider (code flow with PKCE). The provider is first contacted by the first login. */
@Injectable()
export class OpenIdProvider {
  private readonly logger = new Logger('AdminPage');
  private discovering: Promise<Configuration> | undefined;

  constructor(private readonly config: OpenIdConfig) {}

  /** Name for people: the host of the issuer. Undefined: no provider is configured. */
  get name(): string | undefined {
    return this.config.issuer === undefined ? undefined : new URL(this.config.issuer).host;
  }

  /** Returns the URL to which the browser is led, and what `finish` needs. Rejects with LoginFailed. */
  async begin(redirectUri: string): Promise<{ url: URL; login: BegunLogin }> {
    const configuration = await this.discover();
    const login = { state: randomState(), nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier() };
    const { scopes } = this.config;
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: scopes.join(' '),
      state: login.state,
      nonce: login.nonce,
      code_challenge: await calculatePKCECodeChallenge(login.codeVerifier),
      code_challenge_method: 'S256',
      // Without it, the scope is ignored (OpenID Connect Core 1.0, 11).
      ...(scopes.includes('offline_access') && { prompt: 'consent' }),
      ...this.resource,
    });
    return { url, login };
  }

  /** Exchanges the code in the answer of the provider, `answered`, for tokens. Rejects with LoginFailed. */
  async finish(answered: URL, { state, nonce, codeVerifier }: BegunLogin): Promise<ProviderTokens> {
    const configuration = await this.discover();
    const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier };
    try {
      const tokens = await authorizationCodeGrant(
        configuration,
        answered,
        { ...checks, idTokenExpected: true },
        this.resource,
      );
      return toProviderTokens(tokens);
    } catch (cause) {
      throw this.fail(cause);
    }
  }

  /** Rejects with RenewalRefused, or with another error when the provider cannot be reached. */
  async renew(refreshToken: string): Promise<ProviderTokens> {
    const configuration = await this.discover();
    try {
      return toProviderTokens(await refreshTokenGrant(configuration, refreshToken, this.resource));
    } catch (cause) {
      if (cause instanceof ResponseBodyError && REFUSALS.has(cause.status)) throw new RenewalRefused(cause.error);
      throw this.fail(cause);
    }
  }

  /** Revokes a refresh token in the background, where the provider supports it. */
  revoke(refreshToken: string): void {
    this.tryRevoke(refreshToken).catch(() =>
      this.logger.warn('A refresh token was not revoked: the OpenID provider did not accept the request.'),
    );
  }

  private async tryRevoke(refreshToken: string): Promise<void> {
    const configuration = await this.discover();
    if (configuration.serverMetadata().revocation_endpoint === undefined) return;
    await tokenRevocation(configuration, refreshToken, { token_type_hint: 'refresh_token' });
  }

  private get resource(): Record<string, string> {
    return this.config.resource === undefined ? {} : { resource: this.config.resource };
  }

  /** Requests the metadata of the provider once. A failure is not remembered. */
  private discover(): Promise<Configuration> {
    this.discovering ??= this.requestMetadata().catch((cause: unknown) => {
      this.discovering = undefined;
      throw this.fail(cause);
    });
    return this.discovering;
  }

  private async requestMetadata(): Promise<Configuration> {
    const { issuer, clientId, clientSecret } = this.config;
    if (issuer === undefined || clientId === undefined) throw new LoginFailed('No OpenID provider is configured.');
    const url = new URL(issuer);
    return await discovery(url, clientId, undefined, chooseClientAuthentication(clientSecret), {
      timeout: REQUEST_TIMEOUT_SECONDS,
      // The config class accepts http for loopback only.
      execute: url.protocol === 'http:' ? [allowInsecureRequests] : [],
    });
  }

  private fail(cause: unknown): LoginFailed {
    if (cause instanceof LoginFailed) return cause;
    const { message, detail } = toLoginFailure(cause);
    this.logger.warn(`A request to the OpenID provider failed: ${detail}`);
    return new LoginFailed(message);
  }
}

interface TokenResponse {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly expires_in?: number;
}

const toProviderTokens = ({
  access_token: accessToken,
  refresh_token: refreshToken,
  expires_in,
}: TokenResponse): ProviderTokens => ({
  accessToken,
  refreshToken,
  expiresInMs: expires_in === undefined ? undefined : expires_in * 1_000,
});
