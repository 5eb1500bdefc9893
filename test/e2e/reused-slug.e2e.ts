import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

let server: ReferenceServer;
let gateway: TestGateway;
let admin: AdminClient;

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
});

afterAll(() => server.close());

beforeEach(async () => {
  gateway = await startGateway({ env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' }, servers: {} });
  admin = new AdminClient(gateway, ['admin']);
});

afterEach(() => gateway.close());

const send = (verb: string, path: string, body?: JsonObject, headers: Record<string, string> = {}) =>
  admin.send(gateway, verb, path, { ...(body && { body }), headers });

const ANY_VERSION = { 'if-match': '*' };
const TOOL = '/tools/mine/echo';

async function createServer(): Promise<void> {
  const entry = { transport: 'http', url: server.url };
  expect((await send('POST', '/servers', { slug: 'mine', entry })).status).toBe(201);
}

/** Waits until the tool is discovered, and returns it. */
async function discovered(): Promise<JsonObject> {
  await until(async () => (await admin.get(gateway, TOOL)).status === 200);
  return (await admin.get(gateway, TOOL)).json;
}

async function rename(): Promise<void> {
  const response = await send('PUT', `${TOOL}/presentation`, { name: 'renamed', description: 'Trusted.' });
  expect(response.status).toBe(200);
  expect((await send('POST', `${TOOL}/disable`)).status).toBe(200);
}

/** Calls the endpoint of the server with a token and returns the HTTP status. */
async function statusWith(token: string): Promise<number> {
  const response = await fetch(`${gateway.url}/servers/mine/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }),
  });
  await response.text();
  return response.status;
}

describe('a server that gets the slug of a deleted one', () => {
  it('does not get its renames, its disabled tools, its approvals and the tokens that were narrowed to it', async () => {
    await createServer();
    await discovered();
    await rename();
    const { json: token } = await send('POST', '/tokens', { title: 'narrow', servers: ['mine'], roles: [] });
    expect(await statusWith(token['token'] as string)).toBe(200);
    expect((await send('DELETE', '/servers/mine', undefined, ANY_VERSION)).status).toBe(204);
    await createServer();
    const tool = await discovered();
    expect(tool).toMatchObject({ name: 'echo', isDisabled: false });
    expect(JSON.stringify(tool)).not.toContain('renamed');
    expect([403, 404]).toContain(await statusWith(token['token'] as string));
    expect((await send('GET', `/tokens/${token['id'] as string}`)).json).not.toHaveProperty('serverIdentities');
  });

  it('gets them from an export of the deleted one', async () => {
    await createServer();
    await discovered();
    await rename();
    const exported = (await send('GET', '/export')).json;
    await send('DELETE', '/servers/mine', undefined, ANY_VERSION);
    const { entries, items, credentials } = exported as Record<string, JsonObject>;
    const imported = await send('POST', '/import', { entries: entries!, items: items!, credentials: credentials! });
    expect(imported.status).toBe(200);
    expect(JSON.stringify(await discovered())).toContain('renamed');
  });

  it('cannot be created while a policy names the deleted one, because the deletion is refused', async () => {
    await createServer();
    await send('POST', '/policies', { slug: 'only-mine', entry: { effect: 'deny', servers: ['mine'] } });
    const refused = await send('DELETE', '/servers/mine', undefined, ANY_VERSION);
    expect(refused).toMatchObject({ status: 409, json: { detail: expect.stringContaining('policy only-mine') } });
  });
});

describe('a server of the configuration file', () => {
  it('keeps its renames when it disappears from the file and returns', async () => {
    const servers = { mine: { transport: 'http', url: server.url } };
    await gateway.reload(JSON.stringify({ servers }));
    await send('POST', '/servers/mine/test');
    await discovered();
    await rename();
    await gateway.reload(JSON.stringify({ servers: {} }));
    expect((await admin.all(gateway, '/tools', 10)).length).toBe(0);
    await gateway.reload(JSON.stringify({ servers }));
    expect(JSON.stringify((await admin.get(gateway, TOOL)).json)).toContain('renamed');
  });
});
