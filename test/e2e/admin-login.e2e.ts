/** Logins to the admin page over a real OpenID provider, with two workers and a real Redis. @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { freePort } from '#lib/testing/redis-server';
import { startGatewayPair, type GatewayPair } from '../support/gateway-pair.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import {
  BrowserSession,
  CLIENT_ID,
  CLIENT_SECRET,
  startOpenIdProvider,
  type RunningOpenIdProvider,
} from '../support/open-id-provider.js';
import { until } from '../support/until.js';

const RESOURCE = 'https://mcp.example.com';
const SHORT_SECONDS = 4;

let port: number;
let pair: GatewayPair;
let provider: RunningOpenIdProvider;
let others: readonly TestGateway[];

const settings = (more: Readonly<Record<string, string>> = {}) => {
  const issuer = `http://127.0.0.1:${port}`;
  return {
    ISTHMUS_AUTH_JWKS_URL: `${issuer}/jwks`,
    ISTHMUS_AUTH_ISSUER: issuer,
    ISTHMUS_ADMIN_OPENID_ISSUER: issuer,
    ISTHMUS_ADMIN_OPENID_CLIENT_ID: CLIENT_ID,
    ISTHMUS_ADMIN_OPENID_CLIENT_SECRET: CLIENT_SECRET,
    ...more,
  };
};

beforeAll(async () => {
  port = await freePort();
  const audience = { ISTHMUS_AUTH_AUDIENCE: RESOURCE };
  const resource = { ISTHMUS_ADMIN_OPENID_RESOURCE: RESOURCE };
  const scopes = { ISTHMUS_ADMIN_OPENID_SCOPES: 'openid,offline_access' };
  pair = await startGatewayPair({ servers: {}, env: settings({ ...audience, ...resource, ...scopes }) });
  others = [
    await startGateway({ servers: {}, env: settings(audience) }),
    await startGateway({ servers: {}, env: settings(resource) }),
    await startGateway({ servers: {}, env: settings({ ISTHMUS_MAX_FAILED_AUTHENTICATIONS: '2' }) }),
  ];
});

afterAll(async () => {
  await Promise.all([pair, provider, ...(others ?? [])].map((each) => each?.close()));
});

/** Logs in, and returns the answer to the return from the provider. `finishAt` receives it instead of the worker that began. */
async function logIn(browser: BrowserSession, url: string, login: string, finishAt = url) {
  const begun = await browser.send(`${url}/admin/ui/login?return=/servers/x`);
  const back = await browser.answerProvider(begun.headers.get('location') ?? '', login);
  return browser.send(back.replace(url, finishAt));
}

const failureIn = (response: Response): string => {
  const [, text = ''] = /#\/login\?error=(.*)$/.exec(response.headers.get('location') ?? '') ?? [];
  return decodeURIComponent(text);
};

describe('while the OpenID provider cannot be reached', () => {
  it('the gateway runs, and a login leads to the page with a clear error', async () => {
    const options = await (await fetch(`${pair.ownerUrl}/admin/ui/login-options`)).json();
    expect(options).toEqual({ token: true, openId: { name: `127.0.0.1:${port}` } });
    const response = await new BrowserSession().send(`${pair.ownerUrl}/admin/ui/login`);
    expect(response.status).toBe(302);
    expect(failureIn(response)).toMatch(/^The OpenID provider cannot be reached.* Log in with a token/);
  });
});

describe('a login over an OpenID provider', () => {
  beforeAll(async () => {
    const redirectUris = [pair.ownerUrl, ...others.map(({ url }) => url)].map((url) => `${url}/admin/ui/callback`);
    provider = await startOpenIdProvider({ port, redirectUris, resource: RESOURCE, tokenSeconds: SHORT_SECONDS });
  });

  it.each(['admin', 'operator', 'auditor', 'user'])(
    'opens a session of role %s at every worker, whichever worker finishes it',
    async (role) => {
      const browser = new BrowserSession();
      const finished = await logIn(browser, pair.ownerUrl, role, pair.otherUrl);
      expect([finished.status, finished.headers.get('location')]).toEqual([302, '/admin/ui/#/servers/x']);
      const [cookie = ''] = finished.headers.getSetCookie();
      expect(cookie).toMatch(/HttpOnly; SameSite=Strict$/);
      for (const url of [pair.ownerUrl, pair.otherUrl]) {
        const session = (await (await browser.send(`${url}/admin/ui/session`)).json()) as JsonObject;
        expect(session).toMatchObject({ subject: role, roles: [role], loginMethod: 'openId', issuer: provider.issuer });
        const mayListServers = (session['permissions'] as string[]).includes('GET /servers');
        const { status } = await browser.send(`${url}/admin/v1/servers`);
        expect([mayListServers, status]).toEqual(role === 'user' ? [false, 403] : [true, 200]);
      }
    },
  );

  it('renews its token before it expires', async () => {
    const browser = new BrowserSession();
    await logIn(browser, pair.ownerUrl, 'admin');
    const before = provider.events.filter((name) => name === 'refresh_token.consumed').length;
    await until(async () => {
      const { status } = await browser.send(`${pair.otherUrl}/admin/v1/servers`);
      expect(status).toBe(200);
      return provider.events.filter((name) => name === 'refresh_token.consumed').length > before;
    });
    expect((await browser.send(`${pair.ownerUrl}/admin/v1/servers`)).status).toBe(200);
  });

  it('ends at every worker with a logout, which revokes the refresh token', async () => {
    const browser = new BrowserSession();
    const stolen = new BrowserSession();
    await logIn(browser, pair.ownerUrl, 'admin');
    const [cookie = ''] = (await logIn(stolen, pair.ownerUrl, 'admin')).headers.getSetCookie();
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    const reach = (url: string) => fetch(`${url}/admin/v1/servers`, { headers }).then(({ status }) => status);
    expect(await reach(pair.otherUrl)).toBe(200);
    const origin = pair.ownerUrl;
    const logout = await stolen.send(`${pair.ownerUrl}/admin/ui/session`, { method: 'DELETE', headers: { origin } });
    expect(logout.status).toBe(204);
    expect([await reach(pair.ownerUrl), await reach(pair.otherUrl)]).toEqual([401, 401]);
    await until(() => provider.events.includes('grant.revoked'));
    expect((await browser.send(`${pair.ownerUrl}/admin/ui/session`)).status).toBe(200);
  });

  it('refuses a caller without a role, and says which it needs', async () => {
    const response = await logIn(new BrowserSession(), pair.ownerUrl, 'nobody');
    expect(failureIn(response)).toMatch(
      /requires one of the roles: admin, operator, auditor, user\. Put the role into/,
    );
    expect(response.headers.getSetCookie().join()).not.toMatch(/SameSite=Strict/);
  });

  it('says what to configure when the access token is not accepted', async () => {
    const [withoutResource, withoutAudience] = others.map(({ url }) => url);
    const opaque = await logIn(new BrowserSession(), withoutResource ?? '', 'admin');
    expect(failureIn(opaque)).toMatch(/not a JSON Web Token.*ISTHMUS_ADMIN_OPENID_RESOURCE/);
    const foreign = await logIn(new BrowserSession(), withoutAudience ?? '', 'admin');
    expect(failureIn(foreign)).toMatch(/another audience.*ISTHMUS_AUTH_AUDIENCE/);
  });

  it.each([
    ['another browser', (url: string) => new BrowserSession().send(url)],
    ['a changed state', (url: string, browser: BrowserSession) => browser.send(url.replace(/state=[^&]+/, 'state=x'))],
  ])('is not finished by %s', async (_who, finish) => {
    const browser = new BrowserSession();
    const begun = await browser.send(`${pair.ownerUrl}/admin/ui/login`);
    const back = await browser.answerProvider(begun.headers.get('location') ?? '', 'admin');
    const response = await finish(back, browser);
    expect(failureIn(response)).toMatch(/Log in again/);
    expect(response.headers.getSetCookie().join()).not.toMatch(/SameSite=Strict/);
  });

  it('asks the provider no more for an address whose logins have failed too often', async () => {
    const url = others[2]?.url ?? '';
    const failures: string[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const browser = new BrowserSession();
      const begun = await browser.send(`${url}/admin/ui/login`);
      const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? '';
      const guess = new URLSearchParams({ code: 'guessed', state, iss: provider.issuer });
      failures.push(failureIn(await browser.send(`${url}/admin/ui/callback?${guess.toString()}`)));
    }
    const refused = expect.stringMatching(/^The OpenID provider refused the login: invalid_grant/);
    expect(failures).toEqual([refused, refused, expect.stringMatching(/^Too many logins/)]);
  });

  it('shows the refusal of the provider', async () => {
    const browser = new BrowserSession();
    const begun = await browser.send(`${pair.ownerUrl}/admin/ui/login`);
    const { searchParams } = new URL(begun.headers.get('location') ?? '');
    expect(Object.fromEntries(searchParams)).toMatchObject({
      code_challenge_method: 'S256',
      nonce: expect.any(String),
    });
    const answer = new URLSearchParams({
      error: 'access_denied',
      state: searchParams.get('state') ?? '',
      iss: provider.issuer,
    });
    const response = await browser.send(`${pair.ownerUrl}/admin/ui/callback?${answer.toString()}`);
    expect(failureIn(response)).toBe('The OpenID provider refused the login: access_denied.');
  });

  it.each(['https://evil.example', '//evil.example', 'javascript:alert(1)', '/a\nb'])(
    'leads to no other place than one of the page: %j',
    async (place) => {
      const browser = new BrowserSession();
      const begun = await browser.send(`${pair.ownerUrl}/admin/ui/login?return=${encodeURIComponent(place)}`);
      const back = await browser.answerProvider(begun.headers.get('location') ?? '', 'admin');
      expect((await browser.send(back)).headers.get('location')).toMatch(/^\/admin\/ui\/#\//);
    },
  );
});
