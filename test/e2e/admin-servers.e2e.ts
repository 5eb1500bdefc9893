/** What admins can do with a server besides editing it: test it, reconnect it, read its health. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { freePort } from '#lib/testing/redis-server';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { until } from '../support/until.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf, type SdkClient } from '../support/sdk-client.js';

let gateway: TestGateway;
let admin: AdminClient;
const ending: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function start(servers: Record<string, object> = {}): Promise<void> {
  gateway = await startGateway({ env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' }, servers });
  ending.push(() => gateway.close());
  admin = new AdminClient(gateway, ['admin']);
}

async function reference(era: 'legacy' | 'modern', transport: 'http' | 'sse' = 'http'): Promise<ReferenceServer> {
  const server = await startReferenceServer({ era, transport });
  ending.push(() => server.close());
  return server;
}

const send = (verb: string, path: string, body?: JsonObject) =>
  admin.send(gateway, verb, path, { ...(body && { body }) });
const test = async (entry: JsonObject, slug = 'new') => (await send('POST', '/servers/test', { slug, entry })).json;

describe('testing a server over the admin API', () => {
  it.each([
    { era: 'legacy', transport: 'http', revision: '2025-11-25' },
    { era: 'modern', transport: 'http', revision: '2026-07-28' },
    { era: 'legacy', transport: 'sse', revision: '2025-11-25' },
  ] as const)(
    'returns era, revision and number of tools of a $era server over $transport',
    async ({ era, transport, revision }) => {
      const { url } = await reference(era, transport);
      await start();
      expect(await test({ transport, url })).toEqual({
        reachable: true,
        era,
        revision,
        name: expect.any(String),
        version: expect.any(String),
        capabilities: expect.arrayContaining(['tools']),
        tools: expect.any(Number),
        tookMs: expect.any(Number),
      });
      expect((await admin.get(gateway, '/servers')).json).toEqual({ items: [] });
      expect((await admin.get(gateway, '/upstream-sessions')).json['items']).toEqual([]);
    },
  );

  it('returns the reason why the server is unreachable', async () => {
    await start();
    const unusedUrl = `http://127.0.0.1:${await freePort()}/mcp`;
    expect(await test({ transport: 'http', url: unusedUrl })).toMatchObject({
      reachable: false,
      code: -31_004,
      reason: expect.stringMatching(/cannot be reached|refused/i),
    });
    expect(await test({ transport: 'http', url: 'http://169.254.169.254/latest' })).toMatchObject({
      status: 422,
      errors: [expect.stringContaining('ISTHMUS_ALLOWED_NETWORKS')],
    });
    expect(await test({ transport: 'http', url: 'nonsense' })).toMatchObject({ status: 422, reason: 'entry_invalid' });
  });

  it('probes the era of an existing server again', async () => {
    const { url } = await reference('modern');
    await start({ mine: { transport: 'http', url } });
    expect((await send('POST', '/servers/mine/test')).json).toMatchObject({ reachable: true, era: 'modern' });
    expect(await send('POST', '/servers/unknown/test')).toMatchObject({ status: 404 });
  });

  it('sends no stored credential to another host', async () => {
    const { url } = await reference('modern');
    await start();
    const entry = { transport: 'http', url, headers: { Authorization: 'secret-of-the-server' } };
    await send('POST', '/servers', { slug: 'mine', entry });
    const elsewhere = { ...entry, url: 'https://elsewhere.example.com/mcp', headers: { Authorization: '[kept]' } };
    const rejection = {
      reason: 'entry_invalid',
      errors: [expect.stringMatching(/none exists for this host or program/)],
    };
    expect(await test(elsewhere, 'mine')).toMatchObject(rejection);
    const put = { body: { entry: elsewhere }, headers: { 'if-match': '*' } };
    expect((await admin.send(gateway, 'PUT', '/servers/mine', put)).json).toMatchObject(rejection);
    expect(await test({ ...entry, headers: { Authorization: '[kept]' } }, 'mine')).toMatchObject({ reachable: true });
  });
});

describe('the items of a server in the admin API', () => {
  const LISTS = ['tools', 'prompts', 'resources', 'resource-templates'];
  const countOf = async (list: string) => (await admin.all(gateway, `/${list}`, 100)).length;
  const areListed = async () => !(await Promise.all(LISTS.map(countOf))).includes(0);

  it.each(['legacy', 'modern'] as const)(
    'are listed once a %s server is created, before a client lists them',
    async (era) => {
      const { url } = await reference(era);
      await start();
      await send('POST', '/servers', { slug: 'mine', entry: { transport: 'http', url } });
      await until(areListed);
      const { json } = await send('POST', '/servers/mine/test');
      expect(await countOf('tools')).toBe(json['tools']);
    },
  );

  it('are read again on refresh and when the server is enabled', async () => {
    const server = await reference('modern');
    await start();
    const entry = { transport: 'http', url: server.url, enabled: false };
    await send('POST', '/servers', { slug: 'mine', entry });
    await send('POST', '/servers/mine/enable');
    await until(areListed);
    server.world.setDescription('echo', 'Another text.');
    await send('POST', '/servers/mine/refresh');
    const echoTool = async () => (await admin.get(gateway, '/tools/mine/echo')).json;
    await until(async () => (await echoTool())['status'] === 'changed');
    expect((await echoTool())['seen']).toMatchObject({ description: 'Another text.' });
  });

  it('do not delay the creation of an unreachable server', async () => {
    await start();
    const url = `http://127.0.0.1:${await freePort()}/mcp`;
    expect(await send('POST', '/servers', { slug: 'mine', entry: { transport: 'http', url } })).toMatchObject({
      status: 201,
    });
    expect((await send('POST', '/servers/mine/test')).json).toMatchObject({ reachable: false });
  });
});

describe('a server in use, over the admin API', () => {
  let server: CountingServer;
  let client: SdkClient;

  beforeEach(async () => {
    server = await startCountingServer({ era: 'legacy', transport: 'http' });
    ending.push(() => server.close());
    await start({ mine: server.definition });
    client = await CLIENTS[0]!.connect({ url: `${gateway.url}/mcp`, token: await gateway.token() });
    ending.push(() => client.close());
  });

  const health = async () => (await admin.get(gateway, '/servers/mine/health')).json['items'] as JsonObject[];

  it('is reconnected on refresh', async () => {
    await client.call('mine__echo', { text: 'before' });
    const sessions = server.requests.count('initialize');
    expect(await send('POST', '/servers/mine/refresh')).toMatchObject({ status: 204 });
    expect(textOf(await client.call('mine__echo', { text: 'after' }))).toBe('after');
    expect(server.requests.count('initialize')).toBeGreaterThan(sessions);
    expect(await send('POST', '/servers/unknown/refresh')).toMatchObject({ status: 404 });
    // The entry is still the one of the configuration file.
    expect((await admin.get(gateway, '/servers/mine')).json).toMatchObject({ managed: true });
  });

  it('is reported as up after an answer, and as down with a reason after failures', async () => {
    expect(await health()).toEqual([{ worker: expect.any(String), state: 'unknown', failures: 0 }]);
    await client.call('mine__echo', { text: 'x' });
    expect(await health()).toMatchObject([{ state: 'up', failures: 0, answeredAt: expect.any(String) }]);
    await server.close();
    await client.call('mine__echo', { text: 'y' }).catch(() => undefined);
    await client.call('mine__echo', { text: 'z' }).catch(() => undefined);
    const all = (await admin.get(gateway, '/health')).json;
    expect(all).toMatchObject({
      items: [{ server: 'mine', enabled: true, state: 'down', workers: [{ state: 'down', failures: 2 }] }],
      silentWorkers: [],
    });
    expect(await health()).toMatchObject([
      { state: 'down', failures: 2, code: -31_004, reason: expect.any(String), failedAt: expect.any(String) },
    ]);
  });
});
