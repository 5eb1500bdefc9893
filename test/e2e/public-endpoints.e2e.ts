import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS } from '../matrix/clients.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf, type SdkClient } from '../support/sdk-client.js';

let server: ReferenceServer;
let gateway: TestGateway;
const clients: SdkClient[] = [];

beforeAll(async () => {
  server = await startReferenceServer({ era: 'legacy', transport: 'http' });
  gateway = await startGateway({
    servers: {
      open: { transport: 'http', url: server.url, public: true },
      closed: { transport: 'http', url: server.url },
    },
    virtualServers: { hall: { servers: ['closed'], tools: ['closed__echo'], public: true } },
  });
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await gateway.close();
  await server.close();
});

describe.each(CLIENTS)('$name without a token', (kind) => {
  const connect = async (base: string) => {
    const client = await kind.connect({ url: `${gateway.url}${base}/${kind.path}` });
    clients.push(client);
    return client;
  };

  it('is admitted at a public endpoint', async () => {
    const client = await connect('/servers/open');
    expect((await client.list('tools')).length).toBeGreaterThan(10);
    expect(textOf(await client.call('echo', { text: 'anybody' }))).toBe('anybody');
  });

  it('is admitted to the items of a public virtual server only', async () => {
    const client = await connect('/servers/hall');
    expect((await client.list('tools')).map((tool) => tool['name'])).toEqual(['closed__echo']);
    expect(textOf(await client.call('closed__echo', { text: 'anybody' }))).toBe('anybody');
    await expect(client.call('closed__add', { a: 1, b: 2 })).rejects.toThrow(/Unknown tool/);
  });

  it.each(['', '/servers/closed'])('is rejected at the endpoint "%s/mcp"', async (base) => {
    await expect(connect(base)).rejects.toThrow(/token|401/);
  });
});

describe('authorization at endpoints', () => {
  const message = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });

  it.each([
    { verb: 'POST', path: '/mcp' },
    { verb: 'GET', path: '/mcp' },
    { verb: 'DELETE', path: '/mcp' },
    { verb: 'POST', path: '/servers/closed/mcp' },
    { verb: 'GET', path: '/servers/closed/sse' },
    { verb: 'POST', path: '/messages?sessionId=none' },
    { verb: 'POST', path: '/rpc' },
    { verb: 'POST', path: '/servers/none/mcp' },
  ])('answers $verb $path without a token with 401 and a challenge', async ({ verb, path }) => {
    const headers = { 'content-type': 'application/json' };
    const body = verb === 'POST' ? { body: message } : {};
    const response = await fetch(gateway.url + path, { method: verb, headers, ...body });
    expect(response.status).toBe(401);
    const challenge = response.headers.get('www-authenticate') ?? '';
    const [, metadataUrl = ''] = /^Bearer .*resource_metadata="([^"]+)"/.exec(challenge) ?? [];
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: { data: { outcome: 'not_executed' } } });
    expect((await fetch(metadataUrl)).status).toBe(200);
  });

  it('rejects an invalid token even at a public endpoint', async () => {
    for (const path of ['/servers/open/mcp', '/mcp']) {
      const headers = { 'content-type': 'application/json', authorization: 'Bearer nonsense' };
      const response = await fetch(gateway.url + path, { method: 'POST', headers, body: message });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/error="invalid_token"/);
    }
  });

  it('keeps the sessions of anonymous callers separate from those with a token', async () => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const url = `${gateway.url}/servers/open/mcp`;
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'anybody', version: '1' } };
    const opened = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
    });
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    const ping = (more: Record<string, string>) =>
      fetch(url, { method: 'POST', headers: { ...headers, ...session, ...more }, body: message });
    expect((await ping({})).status).toBe(200);
    expect((await ping({ authorization: `Bearer ${await gateway.token()}` })).status).toBe(404);
  });
});

describe('a public endpoint of a legacy server', () => {
  it('limits the number of sessions of all anonymous clients together', async () => {
    const bounded = await startGateway({
      servers: { open: { transport: 'http', url: server.url, public: true } },
      env: { ISTHMUS_MAX_UPSTREAM_SESSIONS_PER_PRINCIPAL: '1' },
    });
    const call = async (name: string, args: object) => {
      const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } };
      const response = await fetch(`${bounded.url}/servers/open/rpc`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(message),
      });
      return { status: response.status, ...((await response.json()) as object) };
    };
    const { started } = server.calls.of('hold');
    const held = call('hold', { key: 'public' });
    await server.calls.until('hold', 'started', started + 1);
    expect(await call('echo', { text: 'hi' })).toMatchObject({
      status: 429,
      error: { code: -31_003, data: { outcome: 'not_executed', retriable: true, server: 'open' } },
    });
    server.world.release('public');
    expect(await held).toMatchObject({ status: 200, result: {} });
    expect(await call('echo', { text: 'hi' })).toMatchObject({ status: 200, result: {} });
    await bounded.close();
  });
});
