/** A client at an endpoint that shows a part of a server receives notifications of changes of that part only. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import { CLIENTS } from '../matrix/clients.js';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import type { SdkClient } from '../support/sdk-client.js';
import { until } from '../support/until.js';

const TOOLS_CHANGED = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';
const WATCHED = 'test://watched-resource';

const ERAS = ['legacy', 'modern'] as const;
const servers = {} as Record<(typeof ERAS)[number], CountingServer>;
let gateway: TestGateway;
const clients: SdkClient[] = [];

beforeAll(async () => {
  for (const era of ERAS) servers[era] = await startCountingServer({ era, transport: 'http' });
  const virtual = ERAS.flatMap((era) => [
    [`desk-${era}`, { servers: [era], tools: [`${era}__echo`] }] as const,
    [`shop-${era}`, { servers: [era], tools: [`${era}__echo`, `${era}__extra_*`] }] as const,
  ]);
  gateway = await startGateway({
    servers: Object.fromEntries(ERAS.map((era) => [era, servers[era].definition])),
    virtualServers: Object.fromEntries(virtual),
  });
});

afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

afterAll(async () => {
  await gateway?.close();
  await Promise.all(ERAS.map((era) => servers[era]?.close()));
});

const kinds = CLIENTS.filter(({ path }) => path === 'mcp');
const cells = kinds.flatMap((kind) => ERAS.map((era) => ({ kind, era, name: `${kind.name} with a ${era} server` })));

describe.each(cells)('change notifications: $name', ({ kind, era }) => {
  /** A client that is subscribed and has received one notification of the server. */
  async function listener(endpoint: string): Promise<SdkClient> {
    const url = `${gateway.url}/servers/${endpoint}-${era}/${kind.path}`;
    const client = await kind.connect({ url, token: await gateway.token({ subject: kind.name }) });
    clients.push(client);
    await client.watch({ lists: true });
    await client.watch({ uri: `${era}+${WATCHED}` });
    await receivesUpdate(client);
    return client;
  }

  /** Waits for a resource update: all earlier notifications of the server have reached the client by then. */
  const receivesUpdate = (client: SdkClient) =>
    client.received.untilReceivedAfter(async () => servers[era].server.world.touch(WATCHED), UPDATED);

  it('receives a list change of its visible tools', async () => {
    const client = await listener('shop');
    servers[era].server.world.toggleExtra('tools');
    expect(await client.received.until(TOOLS_CHANGED)).toHaveLength(1);
  });

  it('receives no list change of invisible tools, however often they change', async () => {
    const client = await listener('desk');
    const before = client.received.of(TOOLS_CHANGED).length;
    const { requests, server } = servers[era];
    const looks = requests.count('tools/list');
    for (let count = 0; count < 10; count += 1) server.world.toggleExtra('tools');
    await until(() => requests.count('tools/list') > looks);
    await receivesUpdate(client);
    expect(client.received.of(TOOLS_CHANGED)).toHaveLength(before);
  });
});
