/** A real OpenID provider, and a browser of sorts that logs in over it. */
import type { Server } from 'node:http';
import { jest } from '@jest/globals';
import { Provider, type Configuration } from 'oidc-provider';

export const CLIENT_ID = 'isthmus';
export const CLIENT_SECRET = 'a-secret-of-the-client';

export interface OpenIdProviderOrder {
  readonly port: number;
  /** Host name in its URLs. With another one than the gateway's, both are different sites to a browser. Default: `127.0.0.1`. */
  readonly host?: 'localhost';
  /** Redirect URIs of the gateway. */
  readonly redirectUris: readonly string[];
  /** The resource for which access tokens are JSON Web Tokens. */
  readonly resource: string;
  readonly tokenSeconds?: number;
}

export interface RunningOpenIdProvider {
  readonly issuer: string;
  /** Names of the events of the provider, in their order. */
  readonly events: readonly string[];
  close(): Promise<void>;
}

/** The library warns that its defaults are for tests. */
function createProvider(issuer: string, order: OpenIdProviderOrder): Provider {
  const silenced = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  try {
    return new Provider(issuer, toConfiguration(order));
  } finally {
    silenced.mockRestore();
  }
}

/** Starts the provider. The name with which somebody logs in is the only role in the access token. */
export async function startOpenIdProvider(order: OpenIdProviderOrder): Promise<RunningOpenIdProvider> {
  const issuer = `http://${order.host ?? '127.0.0.1'}:${order.port}`;
  const provider = createProvider(issuer, order);
  const events: string[] = [];
  provider.on('refresh_token.consumed', () => void events.push('refresh_token.consumed'));
  provider.on('grant.revoked', () => void events.push('grant.revoked'));
  const server = await new Promise<Server>((resolve) => {
    const started: Server = provider.listen(order.port, '127.0.0.1', () => resolve(started));
  });
  return {
    issuer,
    events,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function toConfiguration({ redirectUris, resource, tokenSeconds = 600 }: OpenIdProviderOrder): Configuration {
  return {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [...redirectUris],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    cookies: { keys: ['a key of the test'] },
    findAccount: (_context, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    extraTokenClaims: (_context, token) => ('accountId' in token ? { roles: [token.accountId] } : {}),
    rotateRefreshToken: true,
    pkce: { required: () => true },
    features: {
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: 'openid offline_access',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: tokenSeconds,
          jwt: { sign: { alg: 'RS256' } },
        }),
        useGrantedResource: () => true,
      },
    },
    ttl: {
      AccessToken: tokenSeconds,
      IdToken: 600,
      Grant: 3_600,
      Session: 3_600,
      Interaction: 600,
      RefreshToken: 3_600,
    },
  };
}

/** Holds cookies by the host name, as browsers do, and follows redirects by hand. */
export class BrowserSession {
  private readonly cookies = new Map<string, string>();

  async send(url: string, init: RequestInit = {}): Promise<Response> {
    const cookie = Array.from(this.cookies, ([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(init.headers as Record<string, string> | undefined), cookie };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const text of response.headers.getSetCookie()) this.store(text);
    return response;
  }

  /** Logs in at the provider, and agrees to everything. Returns the URL to which the provider leads back. */
  async answerProvider(url: string, login: string): Promise<string> {
    const { origin } = new URL(url);
    let next = url;
    // A login and a consent, with the redirects between them.
    for (let steps = 0; steps < 20 && next.startsWith(`${origin}/`); steps += 1) {
      const response = await this.send(next);
      next = await this.follow(response, next, login);
    }
    return next;
  }

  private async follow(response: Response, url: string, login: string): Promise<string> {
    const location = response.headers.get('location');
    if (location !== null) return new URL(location, url).href;
    const page = await response.text();
    const [, prompt] = /name="prompt" value="(\w+)"/.exec(page) ?? [];
    if (prompt === undefined) throw new Error(`The provider shows ${response.status}: ${page.slice(0, 2_000)}`);
    const [, action = url] = /<form[^>]* action="([^"]+)"/.exec(page) ?? [];
    const sent = await this.send(new URL(action, url).href, {
      method: 'POST',
      body: new URLSearchParams({ prompt, login, password: 'x' }),
    });
    return new URL(sent.headers.get('location') ?? '', url).href;
  }

  private store(text: string): void {
    const [pair = '', ...attributes] = text.split(';');
    const [name = '', value = ''] = pair.split(/=(.*)/s, 2);
    const isDeleted = value === '' || attributes.some((each) => /^ *(max-age=0|expires=Thu, 01 Jan 1970)/i.test(each));
    if (isDeleted) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}
