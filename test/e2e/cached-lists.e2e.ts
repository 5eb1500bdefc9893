/** The gateway requests lists of a modern server only when they are stale, and shows private lists to their caller only. */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { LegacyRawClient, ModernRawClient, type RawClient } from '#lib/testing/raw-client';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { startGatewayPair } from '../support/gateway-pair.js';
import { startGateway, type GatewaySetup, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

const AN_HOUR = 3_600_000;
const LIST = 'tools/list';

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A server whose lists are fresh for an hour, so that none of them becomes stale during the test. */
async function serverWith(cacheScope: 'public' | 'private' = 'public'): Promise<CountingServer> {
  const lists = { ttlMs: AN_HOUR, cacheScope };
  const server = await startCountingServer({ era: 'modern', transport: 'http', lists });
  closing.push(() => server.close());
  return server;
}

/** An endpoint whose items are visible to every caller. */
async function gatewayBefore(server: CountingServer, more: Partial<GatewaySetup> = {}): Promise<TestGateway> {
  const servers = { ref: { ...server.definition, public: true } };
  const gateway = await startGateway({ servers, default: { public: true }, ...more });
  closing.push(() => gateway.close());
  return gateway;
}

interface Door {
  readonly url: string;
  token(order?: { subject: string }): Promise<string>;
}

async function clientOf(door: Door, subject = 'tester', path = '/servers/ref/mcp'): Promise<RawClient> {
  const client = new ModernRawClient(door.url + path, { token: await door.token({ subject }) });
  closing.push(() => client.close());
  return client;
}

async function list(client: RawClient): Promise<JsonObject> {
  const { answers } = await client.request(LIST);
  return answers[0]?.['result'] as JsonObject;
}

const names = (listed: JsonObject) => (listed['tools'] as { name: string }[]).map(({ name }) => name);

/** Lists until the gateway has subscribed to the server: earlier lists are stale then and are requested again. */
async function warmUp({ requests }: CountingServer, client: RawClient): Promise<void> {
  const before = requests.count(LIST);
  await until(async () => {
    await list(client);
    return requests.count(LIST) === before + 2;
  });
}

describe('a cached public list', () => {
  it('is requested from the server once for concurrent callers of any principal', async () => {
    const server = await serverWith();
    const gateway = await gatewayBefore(server);
    const clients = await Promise.all(Array.from({ length: 50 }, (_, index) => clientOf(gateway, `subject-${index}`)));
    const lists = await Promise.all(clients.map(list));
    expect(new Set(lists.map((each) => names(each).join())).size).toBe(1);
    expect(server.requests.count(LIST)).toBeLessThanOrEqual(2);
  });

  it('is not requested again while it is fresh, and carries its remaining time to live', async () => {
    const server = await serverWith();
    const gateway = await gatewayBefore(server);
    const client = await clientOf(gateway);
    await warmUp(server, client);
    const before = server.requests.count(LIST);
    for (let count = 0; count < 100; count += 1) {
      const { ttlMs, cacheScope } = await list(count % 2 ? client : await clientOf(gateway, `subject-${count}`));
      expect([(ttlMs as number) <= AN_HOUR, (ttlMs as number) > 0, cacheScope]).toEqual([true, true, 'public']);
    }
    expect(server.requests.count(LIST)).toBe(before);
    expect(server.requests.inFlight('subscriptions/listen')).toBe(1);
  });

  it('is sent to legacy clients without the fields of the modern era', async () => {
    const server = await serverWith();
    const gateway = await gatewayBefore(server);
    const modern = await clientOf(gateway);
    await warmUp(server, modern);
    const before = server.requests.count(LIST);
    const legacy = new LegacyRawClient(`${gateway.url}/servers/ref/mcp`, { token: await gateway.token() });
    closing.push(() => legacy.close());
    await legacy.connect();
    const listed = await list(legacy);
    expect(names(listed)).toEqual(names(await list(modern)));
    expect(Object.keys(listed)).toEqual(['tools']);
    expect(server.requests.count(LIST)).toBe(before);
  });

  it('is requested again at every worker after a change', async () => {
    const server = await serverWith();
    const pair = await startGatewayPair({ servers: { ref: server.definition } });
    closing.push(() => pair.close());
    const workers = [pair.ownerUrl, pair.otherUrl].map((url) => ({ url, token: pair.token }));
    const clients = await Promise.all(workers.map((worker) => clientOf(worker)));
    for (const client of clients) await warmUp(server, client);
    const before = server.requests.count(LIST);
    server.server.world.toggleExtra('tools');
    for (const client of clients) await until(async () => names(await list(client)).includes('extra_tool'));
    expect(server.requests.count(LIST)).toBe(before + clients.length);
    expect(server.requests.inFlight('subscriptions/listen')).toBe(workers.length);
  });

  it('contains the changes of a call as soon as the call has returned', async () => {
    const server = await serverWith();
    const gateway = await gatewayBefore(server);
    const client = await clientOf(gateway);
    await warmUp(server, client);
    for (let count = 1; count <= 20; count += 1) {
      await client.request('tools/call', { name: 'change_tools', arguments: {} });
      expect(names(await list(client)).includes('extra_tool')).toBe(count % 2 === 1);
    }
  });
});

describe('a cached private list', () => {
  it('is requested for each caller, and shown to no other caller', async () => {
    const server = await serverWith('private');
    const gateway = await gatewayBefore(server);
    const [mine, theirs] = [await clientOf(gateway, 'me'), await clientOf(gateway, 'they')];
    await warmUp(server, mine);
    const before = server.requests.count(LIST);
    expect((await list(theirs))['cacheScope']).toBe('private');
    expect(server.requests.count(LIST)).toBe(before + 1);
    for (const client of [mine, theirs, mine, theirs]) await list(client);
    expect(server.requests.count(LIST)).toBe(before + 1);
  });
});

describe('a cached list of several servers', () => {
  it('is public without filters and private with filters, and causes no more requests to the servers', async () => {
    const server = await serverWith();
    const virtualServers = { desk: { servers: ['ref'], tools: ['ref__echo'] } };
    const gateway = await gatewayBefore(server, { virtualServers });
    const everything = await clientOf(gateway, 'tester', '/mcp');
    const desk = await clientOf(gateway, 'tester', '/servers/desk/mcp');
    await warmUp(server, everything);
    const before = server.requests.count(LIST);
    const [all, some] = [await list(everything), await list(desk)];
    expect([all['cacheScope'], some['cacheScope'], names(some)]).toEqual(['public', 'private', ['ref__echo']]);
    for (const { ttlMs } of [all, some]) expect(ttlMs as number).toBeGreaterThan(AN_HOUR / 2);
    expect(server.requests.count(LIST)).toBe(before);
  });
});
