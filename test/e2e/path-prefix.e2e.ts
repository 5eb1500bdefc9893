/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { freePort, startNginx, type Nginx } from '../support/nginx.js';
import { connectV1 } from '../support/sdk-v1.js';
import { connectV2 } from '../support/sdk-v2.js';

describe.each([
  ['removes', true],
  ['passes on', false],
])('a gateway behind nginx that %s the path', (_way, isRemoved) => {
  let server: ReferenceServer;
  let nginx: Nginx;
  let gateway: TestGateway;
  let token: string;
  let base: string;

  beforeAll(async () => {
    server = await startReferenceServer({ era: 'legacy', transport: 'http' });
    const port = await freePort();
    base = `http://127.0.0.1:${port}/tools`;
    gateway = await startGateway({
      servers: { demo: { transport: 'http', url: server.url } },
      env: { ISTHMUS_PUBLIC_URL: base },
    });
    nginx = await startNginx([gateway.url], { prefix: { path: '/tools', isRemoved }, port });
    token = await gateway.token();
  });

  afterAll(async () => {
    await gateway?.close();
    await nginx?.stop();
    await server?.close();
  });

  it.each([
    ['v1 over streamable HTTP', () => connectV1('mcp', { url: `${base}/mcp`, token })],
    ['v1 over HTTP+SSE', () => connectV1('sse', { url: `${base}/sse`, token })],
    ['v2', () => connectV2({ mode: 'auto', path: 'mcp', url: `${base}/mcp`, token })],
  ])('serves the official client %s', async (_client, connect) => {
    const client = await connect();
    expect(await client.call('demo__add', { a: 19, b: 23 })).toMatchObject({ structuredContent: { sum: 42 } });
    await client.close();
  });

  it('challenges with a URL below the path, where the metadata names the endpoint', async () => {
    const refused = await fetch(`${base}/mcp`, { method: 'POST', body: '{}' });
    const metadata = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate') ?? '')?.[1] ?? '';
    expect(metadata.startsWith(`${base}/`)).toBe(true);
    expect(await (await fetch(metadata)).json()).toMatchObject({ resource: `${base}/mcp` });
  });

  it('names locations and operations of the admin API below the path', async () => {
    const admin = new AdminClient(gateway, ['admin']);
    const entry = { value: 'x', origins: ['https://api.example.com'] };
    const created = await admin.send({ url: base }, 'POST', '/secrets', { body: { slug: 'mine', entry } });
    expect([created.status, created.headers.get('location')]).toEqual([201, '/tools/admin/v1/secrets/mine']);
    expect((await admin.get({ url: base }, '/openapi.json')).json).toMatchObject({ servers: [{ url: '/tools' }] });
  });

  it('opens, finds and ends sessions of the admin page below the path', async () => {
    const { origin } = new URL(base);
    const page = await fetch(`${base}/admin/ui`, { redirect: 'manual' });
    // A page that is not built is explained where it would be.
    expect([page.headers.get('location') ?? '/tools/admin/ui/']).toEqual(['/tools/admin/ui/']);
    const login = await fetch(`${base}/admin/ui/session`, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: JSON.stringify({ token: await gateway.token({ roles: ['admin'] }) }),
    });
    const [cookie = ''] = login.headers.getSetCookie();
    expect([login.status, cookie]).toEqual([200, expect.stringContaining('; Path=/tools/admin; ')]);
    const headers = { origin, cookie: cookie.split(';')[0] ?? '' };
    const statusAt = async (path: string, method = 'GET') => (await fetch(base + path, { method, headers })).status;
    expect(await statusAt('/admin/v1/servers')).toBe(200);
    expect(await statusAt('/admin/ui/session', 'DELETE')).toBe(204);
    expect(await statusAt('/admin/v1/servers')).toBe(401);
  });
});
