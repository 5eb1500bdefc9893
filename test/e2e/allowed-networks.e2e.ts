import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient } from '../support/admin-client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { RepeatingClient } from '../support/repeating-client.js';

/** The requests that reached servers of this host which the gateway must not connect to. */
let hidden: Server;
let visits: string[];
let server: ReferenceServer;
let gateway: TestGateway;
let admin: AdminClient;

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
  hidden = createServer((request, response) => {
    visits.push(`${request.method} ${request.url}`);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"secret":"of the metadata service"}');
  });
  await new Promise<void>((resolve) => hidden.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  await server.close();
  await new Promise((resolve) => hidden.close(resolve));
});

beforeEach(() => {
  visits = [];
});

afterEach(() => gateway.close());

const portOf = () => (hidden.address() as AddressInfo).port;

async function start(allowed: string, folder?: string): Promise<void> {
  gateway = await startGateway({
    env: { ISTHMUS_ALLOWED_NETWORKS: allowed, ...(folder !== undefined && { ISTHMUS_DATA_DIR: folder }) },
    servers: { declared: { transport: 'http', url: server.url } },
  });
  admin = new AdminClient(gateway, ['admin']);
}

const create = (entry: JsonObject) => admin.send(gateway, 'POST', '/servers', { body: { slug: 'mine', entry } });

async function call(slug: string, tool: string): Promise<JsonObject> {
  const client = new RepeatingClient({ token: await gateway.token() }, `/servers/${slug}`);
  try {
    return await client.call(gateway, { mark: 'guarded', tool, args: { text: 'guarded' } });
  } finally {
    await client.close();
  }
}

const FORBIDDEN = {
  error: {
    code: -31_004,
    message: expect.stringContaining('ISTHMUS_ALLOWED_NETWORKS'),
    data: { outcome: 'not_executed', retriable: false, server: 'mine' },
  },
};

const REFUSAL = /url: names an address that is neither public .*ISTHMUS_ALLOWED_NETWORKS/;

async function problemOf(method: 'POST', path: string, body: JsonObject): Promise<unknown> {
  const { status, json } = await admin.send(gateway, method, path, { body });
  return { ...json, status };
}

const TOOLS = { read: { path: '/latest/meta-data' } };

describe('a server that was created over the admin API', () => {
  it.each([
    ['http', (host: string) => ({ transport: 'http', url: `http://${host}:${portOf()}/mcp` })],
    ['sse', (host: string) => ({ transport: 'sse', url: `http://${host}:${portOf()}/sse` })],
    ['rest', (host: string) => ({ transport: 'rest', url: `http://${host}:${portOf()}`, tools: TOOLS })],
  ])('over %s is refused at an address of this host, in any notation', async (_transport, entryFor) => {
    await start('');
    for (const host of [
      '127.0.0.1',
      'localhost',
      'LOCALHOST.',
      '[::ffff:127.0.0.1]',
      '[::ffff:0:7f00:1]',
      '2130706433',
      '0177.1',
      '127.1.',
    ]) {
      const body = { slug: 'mine', entry: entryFor(host) };
      for (const path of ['/servers', '/servers/test']) {
        expect(await problemOf('POST', path, body)).toMatchObject({
          status: 422,
          errors: [expect.stringMatching(REFUSAL)],
        });
      }
      const imported = await problemOf('POST', '/import', { entries: { servers: { mine: entryFor(host) } } });
      expect(imported).toMatchObject({ status: 422, errors: [expect.stringMatching(REFUSAL)] });
    }
    expect((await admin.send(gateway, 'GET', '/servers/mine')).status).toBe(404);
    expect(visits).toEqual([]);
    expect(await call('declared', 'echo')).toMatchObject({ result: { content: [{ text: 'guarded' }] } });
  });

  it('cannot be moved to an address of this host', async () => {
    await start('');
    const created = await create({ transport: 'http', url: 'https://mcp.example/' });
    const headers = { 'if-match': created.headers.get('etag') ?? '' };
    const body = { entry: { transport: 'http', url: 'http://169.254.169.254/' } };
    const response = await admin.send(gateway, 'PUT', '/servers/mine', { body, headers });
    expect(response.json).toMatchObject({ status: 422, errors: [expect.stringMatching(REFUSAL)] });
  });

  it('cannot be converted from an OpenAPI document with an address of this host', async () => {
    await start('');
    const operation = { operationId: 'read', responses: {} };
    const document = {
      openapi: '3.1.0',
      servers: [{ url: 'http://10.0.0.1/v1' }],
      paths: { '/x': { get: operation } },
    };
    expect(await problemOf('POST', '/openapi-imports', { document })).toMatchObject({
      status: 422,
      detail: expect.stringMatching(/^url names an address .*ISTHMUS_ALLOWED_NETWORKS/),
    });
  });

  it('that was created while its network was allowed cannot be called without it, but can be disabled', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'isthmus-networks-'));
    await start('127.0.0.0/8', folder);
    expect((await create({ transport: 'http', url: `http://127.0.0.1:${portOf()}/mcp` })).status).toBe(201);
    await gateway.close();
    await start('', folder);
    visits = [];
    expect(await call('mine', 'read')).toMatchObject(FORBIDDEN);
    expect(visits).toEqual([]);
    expect((await admin.send(gateway, 'POST', '/servers/mine/disable')).status).toBe(200);
    await rm(folder, { recursive: true });
  });

  it('connects to an allowed network, and follows no redirect out of it', async () => {
    const leading = createServer((_request, response) => {
      response.writeHead(307, { location: `http://127.0.0.2:${portOf()}/latest/meta-data` }).end();
    });
    await new Promise<void>((resolve) => leading.listen(0, '127.0.0.1', resolve));
    await start('127.0.0.1/32');
    const url = `http://127.0.0.1:${(leading.address() as AddressInfo).port}`;
    expect((await create({ transport: 'rest', url, tools: TOOLS })).status).toBe(201);
    expect(JSON.stringify(await call('mine', 'read'))).not.toContain('secret');
    expect(visits).toEqual([]);
    await new Promise((resolve) => leading.close(resolve));
  });

  it('is served when its network is allowed', async () => {
    await start('127.0.0.1/32');
    expect((await create({ transport: 'http', url: server.url })).status).toBe(201);
    expect(await call('mine', 'echo')).toMatchObject({ result: { content: [{ text: 'guarded' }] } });
  });
});
