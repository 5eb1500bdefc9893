import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS } from '../matrix/clients.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf, type SdkClient } from '../support/sdk-client.js';
import { until } from '../support/until.js';

let servers: Record<'old' | 'young', ReferenceServer>;
let gateway: TestGateway;
const clients: SdkClient[] = [];

beforeAll(async () => {
  servers = {
    old: await startReferenceServer({ era: 'legacy', transport: 'http' }),
    young: await startReferenceServer({ era: 'modern', transport: 'http' }),
  };
});

afterAll(() => Promise.all(Object.values(servers).map((server) => server.close())));

beforeEach(async () => {
  gateway = await startGateway(showing('old'));
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await gateway.close();
});

const showing = (...slugs: ('old' | 'young')[]) => ({
  servers: Object.fromEntries(slugs.map((slug) => [slug, { transport: 'http', url: servers[slug].url }])),
});

const slugsShown = async (client: SdkClient) => [
  ...new Set((await client.list('tools')).map((tool) => (tool['name'] as string).split('__')[0])),
];

describe.each(CLIENTS)('$name, while the configuration file changes', (kind) => {
  const connect = async (base = '') => {
    const client = await kind.connect({ url: `${gateway.url}${base}/${kind.path}`, token: await gateway.token() });
    clients.push(client);
    return client;
  };

  it('lists the tools of an added server, and keeps its session', async () => {
    const client = await connect();
    expect(await slugsShown(client)).toEqual(['old']);
    await gateway.configure(showing('old', 'young'));
    await until(async () => (await slugsShown(client)).includes('young'));
    expect(await slugsShown(client)).toEqual(['old', 'young']);
    for (const name of ['old__echo', 'young__echo']) {
      expect(textOf(await client.call(name, { text: name }))).toBe(name);
    }
    const direct = await connect('/servers/young');
    expect(textOf(await direct.call('echo', { text: 'directly' }))).toBe('directly');
  });

  it('receives a list change for an added server, and then the notifications of that server', async () => {
    const client = await connect();
    await client.watch({ lists: true });
    const [added] = await client.received.untilReceivedAfter(
      () => gateway.configure(showing('old', 'young')),
      'notifications/tools/list_changed',
    );
    expect(added).toBeDefined();
    await until(async () => (await slugsShown(client)).includes('young'));
    const change = () => client.call('young__change_tools').then(() => undefined);
    expect(await client.received.untilReceivedAfter(change, 'notifications/tools/list_changed')).toHaveLength(1);
  });

  it('receives an error that names the unknown tool of a removed server', async () => {
    await gateway.configure(showing('old', 'young'));
    const client = await connect();
    await until(async () => (await slugsShown(client)).includes('young'));
    const direct = await connect('/servers/young');
    expect(textOf(await direct.call('echo', { text: 'still' }))).toBe('still');
    expect(await gateway.reload(JSON.stringify(showing('old')))).toBe('applied');
    await expect(client.call('young__echo', { text: 'removed' })).rejects.toThrow(/Unknown tool: young__echo/);
    await expect(direct.call('echo', { text: 'removed' })).rejects.toThrow(
      /[Nn]o server or virtual server is named .*young/,
    );
    expect(textOf(await client.call('old__echo', { text: 'here' }))).toBe('here');
  });

  it('is not affected by an invalid configuration file', async () => {
    const client = await connect();
    for (const text of ['{ "servers": ', '{ "servers": { "old": { "transport": "htpp" } } }', '']) {
      expect(await gateway.reload(text)).toBe('refused');
      expect(await slugsShown(client)).toEqual(['old']);
    }
    expect(await gateway.reload(JSON.stringify(showing('old', 'young')))).toBe('applied');
    expect(await slugsShown(client)).toEqual(['old', 'young']);
  });
});

describe('an in-flight call', () => {
  it('finishes although its server is removed from the configuration', async () => {
    await gateway.reload(JSON.stringify(showing('old', 'young')));
    const [kind] = CLIENTS;
    const client = await kind!.connect({ url: `${gateway.url}/mcp`, token: await gateway.token() });
    clients.push(client);
    const held = client.call('young__hold', { key: 'reload' });
    await servers.young.calls.until('hold', 'started');
    await gateway.reload(JSON.stringify(showing('old')));
    servers.young.world.release('reload');
    expect(textOf(await held)).toBe('released reload');
  });
});
