import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { HttpWorld, LEGACY, modern } from '../../test/support/http-world.js';
import { until } from '../../test/support/until.js';
import { TokenIssuer } from '../auth/index.js';

const INITIALIZE = { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: 'page', version: '1' } };
const JSON_TYPE = { 'content-type': 'application/json' };

let world: HttpWorld;

beforeAll(async () => {
  world = await HttpWorld.open([remoteServer('files')]);
});

afterAll(() => world.close());

const tokenOf = (roles: readonly string[], expiresInSeconds = 600) =>
  world.get(TokenIssuer).issue({ subject: 'ada', roles, expiresInSeconds });

interface OpenApiDocument {
  readonly paths: Readonly<Record<string, object>>;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Sends a request as a page of the gateway does, unless `headers` say otherwise. */
async function send(path: string, { method = 'GET', headers = {}, body }: Sent = {}) {
  const response = await fetch(world.url + path, {
    method,
    redirect: 'manual',
    headers: { origin: world.url, ...JSON_TYPE, ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /^application\/(?:problem\+)?json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: (isJson ? JSON.parse(text) : {}) as Record<string, unknown>,
    cookies: response.headers.getSetCookie(),
  };
}

const login = (token: string, headers = {}) => send('/admin/ui/session', { method: 'POST', body: { token }, headers });

/** The header with the cookie of a new session. */
async function loggedIn(roles: readonly string[] = ['admin'], expiresInSeconds = 600) {
  const { cookies } = await login(await tokenOf(roles, expiresInSeconds));
  return { cookie: cookies[0]?.split(';')[0] ?? '' };
}

const CLEARED = [expect.stringMatching(/^isthmus-admin-[0-9a-f]{8}=; Path=\/admin; Max-Age=0; HttpOnly/)];

describe('a login with a token', () => {
  it('opens a session whose cookie scripts cannot read and other sites cannot send', async () => {
    const token = await tokenOf(['operator']);
    const { status, json, cookies, text, headers } = await login(` ${token}\n`);
    expect(status).toBe(200);
    expect(json).toEqual({
      subject: 'ada',
      issuer: 'isthmus',
      roles: ['operator'],
      permissions: expect.arrayContaining(['GET /servers', 'POST /servers/{slug}/enable']),
      expiresAt: expect.any(Number),
      loginMethod: 'token',
    });
    expect(json['permissions']).not.toContain('POST /servers');
    expect(cookies).toEqual([
      expect.stringMatching(
        /^isthmus-admin-[0-9a-f]{8}=[\w-]{43}; Path=\/admin; Max-Age=\d+; HttpOnly; SameSite=Strict$/,
      ),
    ]);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(text + cookies.join()).not.toContain(token.slice(-20));
  });

  it('answers 401 for a token that is not accepted, and 403 for one without a role', async () => {
    const refused = await login('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln');
    expect([refused.status, refused.headers.get('content-type'), refused.cookies]).toEqual([
      401,
      expect.stringMatching('application/problem'),
      [],
    ]);
    expect(refused.text).not.toContain('c2ln');
    expect(await login(await tokenOf(['nobody']))).toMatchObject({ status: 403, cookies: [] });
  });

  it.each([{}, { token: '' }, { token: 1 }, { token: 'x'.repeat(8_193) }, { token: 'a', more: 1 }])(
    'answers 400 for the body %j',
    async (body) => {
      expect((await send('/admin/ui/session', { method: 'POST', body })).status).toBe(400);
    },
  );

  it('is refused with 413 before a body larger than any token is read', async () => {
    const answer = await send('/admin/ui/session', { method: 'POST', body: { token: 'x'.repeat(65_536) } });
    expect(answer).toMatchObject({ status: 413, json: { detail: expect.stringMatching(/64 KiB/) } });
  });

  it('ends the session that the browser had before', async () => {
    const before = await loggedIn();
    expect((await login(await tokenOf(['auditor']), before)).status).toBe(200);
    expect((await send('/admin/ui/session', { headers: before })).status).toBe(401);
  });

  it('is refused when another page sends it', async () => {
    const token = await tokenOf(['admin']);
    expect((await login(token, { origin: 'http://localhost:1' })).status).toBe(403);
  });
});

describe('a session of the admin page', () => {
  it('is described without its token', async () => {
    const answer = await send('/admin/ui/session', { headers: await loggedIn(['auditor']) });
    expect(answer).toMatchObject({ status: 200, json: { subject: 'ada', roles: ['auditor'], loginMethod: 'token' } });
  });

  it('stands for its token at the admin API, with the rights of its roles', async () => {
    const headers = await loggedIn(['auditor']);
    expect((await send('/admin/v1/sessions', { headers })).status).toBe(200);
    expect((await send('/admin/v1/workers/none/drain', { method: 'POST', headers })).status).toBe(403);
  });

  it('creates no personal access token when its own token is one', async () => {
    const create = (headers: Record<string, string>) =>
      send('/admin/v1/tokens', { method: 'POST', headers, body: { title: 'mine', roles: ['admin'] } });
    const created = await create(await loggedIn(['admin']));
    expect(created.status).toBe(201);
    const { cookies } = await login(created.json['token'] as string);
    const refused = await create({ cookie: cookies[0]?.split(';')[0] ?? '' });
    expect(refused).toMatchObject({
      status: 403,
      json: { detail: expect.stringMatching(/cannot create another one/) },
    });
  });

  it('does not replace the token of a request that has one', async () => {
    const headers = { ...(await loggedIn(['admin'])), authorization: `Bearer ${await tokenOf(['nobody'])}` };
    expect((await send('/admin/v1/sessions', { headers })).status).toBe(403);
  });

  it.each<[string, Record<string, string>, number]>([
    ['a page of the gateway', {}, 404],
    ['a page of the gateway, as the browser says', { 'sec-fetch-site': 'same-origin' }, 404],
    ['a page at another port', { origin: 'http://127.0.0.1:1' }, 403],
    ['a page of the same site, as the browser says', { 'sec-fetch-site': 'same-site' }, 403],
    ['a page without an origin', { origin: 'null' }, 403],
  ])('may change something for %s: %j → %i', async (_page, headers, status) => {
    const sent = { ...(await loggedIn()), ...headers };
    expect((await send('/admin/v1/workers/none/drain', { method: 'POST', headers: sent })).status).toBe(status);
  });

  it.each([undefined, 'cross-site', 'same-site'])(
    'changes nothing for a request without an Origin whose Sec-Fetch-Site is %s',
    async (site) => {
      const headers = { ...(await loggedIn()), ...(site !== undefined && { 'sec-fetch-site': site }) };
      const response = await fetch(`${world.url}/admin/v1/workers/none/drain`, { method: 'POST', headers });
      expect(response.status).toBe(403);
    },
  );

  it('receives no answer that a cache may give to others', async () => {
    const headers = await loggedIn();
    const { paths } = (await send('/admin/v1/openapi.json', { headers })).json as unknown as OpenApiDocument;
    const readable = Object.keys(paths).filter((path) => 'get' in (paths[path] ?? {}) && !/[{]|live$/.test(path));
    expect(readable.length).toBeGreaterThan(15);
    const answers = await Promise.all(readable.map(async (path) => ({ path, ...(await send(path, { headers })) })));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(12);
    const cached = answers.map((answer) => [answer.path, answer.headers.get('cache-control')]);
    expect(cached.filter(([, lifetime]) => !/^(?:no-store|private, no-cache)$/.test(lifetime ?? ''))).toEqual([]);
  });

  it.each(['/admin/v1/sessions', '/admin/v1/openapi.json', '/admin/v1/live', '/admin/ui/session'])(
    'shows nothing at %s to other pages',
    async (path) => {
      const session = await loggedIn();
      for (const foreign of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }])
        expect((await send(path, { headers: { ...session, ...foreign } })).status).toBe(403);
    },
  );

  it('ends with its token', async () => {
    const headers = await loggedIn(['admin'], 1);
    await until(async () => (await send('/admin/ui/session', { headers })).status === 401);
    expect(await send('/admin/v1/sessions', { headers })).toMatchObject({ status: 401, cookies: CLEARED });
  });

  it('does not lend its rights to another session, or take them from one', async () => {
    const [auditor, admin] = [await loggedIn(['auditor']), await loggedIn(['admin'])];
    const drain = (cookie: string) => send('/admin/v1/workers/none/drain', { method: 'POST', headers: { cookie } });
    expect([(await drain(auditor.cookie)).status, (await drain(admin.cookie)).status]).toEqual([403, 404]);
    expect((await send('/admin/ui/session', { method: 'DELETE', headers: auditor })).status).toBe(204);
    expect([(await drain(auditor.cookie)).status, (await drain(admin.cookie)).status]).toEqual([401, 404]);
  });

  it('ends for all with a logout, which removes the cookie', async () => {
    const headers = await loggedIn();
    expect(await send('/admin/ui/session', { method: 'DELETE', headers })).toMatchObject({
      status: 204,
      cookies: CLEARED,
    });
    for (const path of ['/admin/v1/sessions', '/admin/ui/session'])
      expect(await send(path, { headers })).toMatchObject({ status: 401, cookies: CLEARED });
  });

  it('is not ended by another page', async () => {
    const headers = await loggedIn();
    const foreign = { ...headers, origin: 'http://localhost:1' };
    expect((await send('/admin/ui/session', { method: 'DELETE', headers: foreign })).status).toBe(403);
    expect((await send('/admin/ui/session', { headers })).status).toBe(200);
  });

  it.each(['altered', 'of another form'])('is refused and removed when its cookie is %s', async (kind) => {
    const { cookie } = await loggedIn();
    const changed = kind === 'altered' ? cookie.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) : `${cookie}xx`;
    const answer = await send('/admin/v1/sessions', { headers: { cookie: changed } });
    expect(answer).toMatchObject({ status: 401, cookies: CLEARED, json: { detail: expect.stringMatching(/Log in/) } });
  });

  it('does not exist without a cookie', async () => {
    expect(await send('/admin/ui/session')).toMatchObject({ status: 401, cookies: [] });
  });
});

describe('an MCP endpoint', () => {
  const { message, headers: protocol } = modern(1, 'server/discover');
  const call = (path: string, headers: Record<string, string>) =>
    send(path, {
      method: 'POST',
      body: message,
      headers: { accept: 'application/json, text/event-stream', ...protocol, ...headers },
    });

  it.each(['/mcp', '/servers/files/mcp'])('is reached by the page below its address: %s', async (path) => {
    const answer = await call(`/admin/ui/mcp${path}`, await loggedIn(['auditor']));
    expect(answer).toMatchObject({ status: 200, json: { result: { supportedVersions: expect.any(Array) } } });
  });

  it('never takes the cookie itself', async () => {
    expect((await call('/mcp', await loggedIn())).status).toBe(401);
  });

  it('is not reached by other pages, and not without a session', async () => {
    const session = await loggedIn();
    expect((await call('/admin/ui/mcp/mcp', { ...session, origin: 'http://localhost:1' })).status).toBe(403);
    expect((await call('/admin/ui/mcp/mcp', { authorization: `Bearer ${await tokenOf(['admin'])}` })).status).toBe(401);
  });

  it('ends its open streams to the page with the session', async () => {
    const session = await loggedIn();
    const initialize = { jsonrpc: '2.0', id: 0, method: 'initialize', params: INITIALIZE };
    const accept = { accept: 'application/json, text/event-stream' };
    const path = '/admin/ui/mcp/servers/files/mcp';
    const opened = await send(path, { method: 'POST', body: initialize, headers: { ...session, ...accept } });
    const headers = {
      ...session,
      accept: 'text/event-stream',
      'mcp-session-id': opened.headers.get('mcp-session-id') ?? '',
    };
    const stream = await fetch(world.url + path, { headers });
    expect(stream.status).toBe(200);
    await send('/admin/ui/session', { method: 'DELETE', headers: session });
    await expect(stream.text()).rejects.toThrow();
  });
});

it('offers a login with a token, and no OpenID provider when none is configured', async () => {
  expect((await send('/admin/ui/login-options')).json).toEqual({ token: true, openId: null });
  const { status, headers } = await send('/admin/ui/login?return=/servers/x');
  expect([status, headers.get('location')]).toEqual([
    302,
    expect.stringMatching(/^\/admin\/ui\/#\/login\?error=No%20/),
  ]);
});
