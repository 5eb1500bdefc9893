/** Refusals at MCP endpoints and at the admin API: their audit records, and the limit of failed authentications. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };
const NAT = '203.0.113.1';
const MAX_FAILURES = 5;

let server: ReferenceServer;
let gateway: TestGateway;
let admin: AdminClient;

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
});

afterAll(() => server.close());

beforeEach(async () => {
  const entry = { transport: 'http', url: server.url };
  gateway = await startGateway({
    servers: { one: entry, open: { ...entry, public: true } },
    env: {
      ISTHMUS_TRUSTED_PROXIES: '127.0.0.0/8',
      ISTHMUS_MAX_FAILED_AUTHENTICATIONS: `${MAX_FAILURES}`,
      ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8',
    },
  });
  admin = new AdminClient(gateway, ['admin'], 'root');
});

afterEach(() => gateway.close());

interface Sent {
  readonly token?: string;
  readonly address?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

function send(path: string, { token, address = NAT, method = 'POST', headers = {} }: Sent = {}) {
  return fetch(gateway.url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': `1.2.3.4, ${address}`,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(method === 'POST' && { body: JSON.stringify(PING) }),
  });
}

const records = async (query: string) => (await admin.get(gateway, `/audit?${query}`)).json['items'] as JsonObject[];

describe('the audit log', () => {
  it.each([
    ['POST', '/mcp'],
    ['GET', '/sse'],
    ['POST', '/messages'],
    ['POST', '/rpc'],
    ['POST', '/servers/one/mcp'],
    ['POST', '/servers/open/rpc'],
    ['GET', '/admin/v1/servers'],
  ])(
    'records an invalid token at %s %s once, with the address behind the proxy, and counts its repetitions',
    async (method, path) => {
      for (let count = 0; count < 4; count += 1) {
        expect((await send(`${path}?secret=x`, { method, token: 'forged' })).status).toBe(401);
      }
      const unauthenticated = {
        issuer: '',
        subject: '',
        roles: [],
        method,
        path,
        outcome: 'refused',
        status: 401,
        address: NAT,
      };
      const found = await records(`outcome=refused&address=${NAT}`);
      expect(found).toMatchObject([{ ...unauthenticated, count: 3 }, unauthenticated]);
      expect(JSON.stringify(found)).not.toMatch(/forged|secret/);
    },
  );

  it('records a foreign origin', async () => {
    const headers = { origin: 'https://evil.example' };
    expect((await send('/mcp', { headers, token: await gateway.token() })).status).toBe(403);
    expect(await records('outcome=refused')).toMatchObject([{ subject: '', path: '/mcp', status: 403, address: NAT }]);
  });

  it('names the token of each record: the id of a personal access token, or the claim jti', async () => {
    const login = await gateway.token({ subject: 'ada', roles: ['operator'] });
    expect((await send('/admin/v1/servers/one/refresh', { token: login })).status).toBe(204);
    expect((await send('/admin/v1/import', { token: login })).status).toBe(403);
    const { json } = await admin.send(gateway, 'POST', '/tokens', { body: { title: 'a', roles: ['operator'] } });
    expect((await send('/admin/v1/servers/one/refresh', { token: json['token'] as string })).status).toBe(204);
    const { jti } = decodeJwt(login);
    expect(await records(`token=${jti}`)).toMatchObject([
      { subject: 'ada', outcome: 'refused', status: 403, token: jti, address: NAT },
      { subject: 'ada', outcome: 'done', token: jti, address: NAT },
    ]);
    expect(await records(`token=${json['id'] as string}`)).toMatchObject([{ subject: 'root', outcome: 'done' }]);
  });
});

describe.each(CLIENTS)('the audit log for $name', (kind) => {
  it('records a call that a policy denies, with caller, token and tool, and without its arguments', async () => {
    const entry = { effect: 'deny', servers: ['one'], tools: ['echo'], when: 'args.text == "forbidden"' };
    expect(await admin.send(gateway, 'POST', '/policies', { body: { slug: 'no', entry } })).toMatchObject({
      status: 201,
    });
    const token = await gateway.token({ subject: 'ada' });
    const client = await kind.connect({ url: `${gateway.url}/servers/one/${kind.path}`, token });
    await expect(client.call('echo', { text: 'forbidden' })).rejects.toThrow(/Denied/);
    await client.close();
    const found = await records('outcome=refused&subject=ada');
    expect(found).toMatchObject([
      {
        method: 'POST',
        path: expect.stringMatching(/^\/servers\/one\/(mcp|messages)$/),
        status: 403,
        token: decodeJwt(token).jti,
        reason: expect.stringMatching(/^tools\/call echo: Denied\. /),
        address: '127.0.0.1',
      },
    ]);
    expect(JSON.stringify(found)).not.toContain('forbidden');
  });
});

/** The budget refills while a slow test runs, so it is used up again before each check. */
async function useUpBudget(): Promise<void> {
  let status: number;
  do ({ status } = await send('/mcp', { token: 'forged' }));
  while (status === 401);
  expect(status).toBe(429);
}

describe('an address with too many failed authentications', () => {
  it('gets 429 with Retry-After everywhere, while verified tokens, public endpoints and probes of that address work', async () => {
    const known = await gateway.token();
    const { json } = await admin.send(gateway, 'POST', '/tokens', { body: { title: 'a' } });
    const personal = json['token'] as string;
    for (const token of [known, personal]) expect((await send('/rpc', { token })).status).toBe(200);
    const fresh = await gateway.token();
    const rejected = [['/mcp'], ['/rpc', 'forged'], ['/rpc', fresh], ['/admin/v1/servers', 'forged']] as const;
    for (const [path, token] of rejected) {
      await useUpBudget();
      const method = path === '/admin/v1/servers' ? 'GET' : 'POST';
      const refused = await send(path, { ...(token !== undefined && { token }), method });
      const retryAfter = refused.headers.get('retry-after');
      expect([path, refused.status, retryAfter]).toEqual([path, 429, expect.stringMatching(/^\d+$/)]);
    }
    for (const token of [known, personal]) expect((await send('/rpc', { token })).status).toBe(200);
    expect((await send('/rpc', { token: fresh, address: '203.0.113.2' })).status).toBe(200);
    expect((await send('/servers/open/rpc')).status).toBe(200);
    for (const path of ['/health/live', '/health/ready', '/.well-known/oauth-protected-resource/mcp', '/']) {
      expect((await send(path, { method: 'GET' })).status).toBe(200);
    }
    const found = await records('outcome=refused&path=/rpc');
    expect(found).toEqual(expect.arrayContaining([expect.objectContaining({ status: 429, address: NAT })]));
  });
});
