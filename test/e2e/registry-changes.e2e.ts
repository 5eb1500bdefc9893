import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS } from '../matrix/clients.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf, type SdkClient } from '../support/sdk-client.js';

let server: ReferenceServer;
let gateway: TestGateway;
let client: SdkClient;

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
});

afterAll(() => server.close());
afterEach(async () => {
  await client.close();
  await gateway.close();
});

describe.each(CLIENTS)('$name, while registry entries change', (kind) => {
  const connect = async (base = '') =>
    kind.connect({ url: `${gateway.url}${base}/${kind.path}`, token: await gateway.token() });

  beforeEach(async () => {
    gateway = await startGateway({
      env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.1/32' },
      servers: { 'in-file': { transport: 'http', url: server.url } },
    });
    client = await connect();
  });

  it('can use an entry once its creation is answered, and cannot use it once its deletion is answered', async () => {
    const { servers, virtualServers } = gateway.store;
    const { version } = await servers.create('mine', { transport: 'http', url: server.url });
    expect(textOf(await client.call('mine__echo', { text: 'new' }))).toBe('new');
    const team = await virtualServers.create('team', { servers: ['mine'], tools: ['mine__echo'] });
    const narrow = await connect('/servers/team');
    expect((await narrow.list('tools')).map(({ name }) => name)).toEqual(['mine__echo']);
    await narrow.close();
    await virtualServers.delete('team', team.version);
    await servers.delete('mine', version);
    await expect(client.call('mine__echo', { text: 'removed' })).rejects.toThrow(/Unknown tool: mine__echo/);
    expect(textOf(await client.call('in-file__echo', { text: 'still' }))).toBe('still');
  });

  it('is not affected by a reload of the configuration file that leaves its entries unchanged', async () => {
    await gateway.store.servers.create('mine', { transport: 'http', url: server.url });
    expect(await gateway.reload(JSON.stringify({ servers: {} }))).toBe('applied');
    expect(textOf(await client.call('mine__echo', { text: 'still' }))).toBe('still');
    await expect(client.call('in-file__echo', { text: 'removed' })).rejects.toThrow(/Unknown tool: in-file__echo/);
  });
});
