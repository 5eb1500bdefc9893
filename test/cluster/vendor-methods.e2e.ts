/** Methods of vendors, in every direction, between every kind of client and server. @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { referenceCommand, startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { until } from '../support/until.js';
import { connectVendor, VENDOR_CLIENTS, type VendorClient, type VendorClientKind } from '../support/vendor-client.js';

const SERVERS = ['legacy-http', 'legacy-sse', 'legacy-stdio', 'modern-http', 'modern-stdio'] as const;
type ServerKind = (typeof SERVERS)[number];

const WORKERS = ['its own worker', 'another worker'] as const;

interface Cell {
  readonly kind: VendorClientKind;
  readonly server: ServerKind;
  readonly worker: (typeof WORKERS)[number];
}

const CELLS: readonly Cell[] = VENDOR_CLIENTS.flatMap((kind) =>
  SERVERS.flatMap((server) => WORKERS.map((worker) => ({ kind, server, worker }))),
);
const hasSession = ({ kind }: Cell) => kind !== 'stateless streamable HTTP';
const isLegacy = ({ server }: Cell) => server.startsWith('legacy');

let redis: RunningRedis;
let servers: ReferenceServer[];
let cluster: TestCluster;
let workers: readonly [ClusterWorker, ClusterWorker];
let clients = 0;
const open: VendorClient[] = [];

beforeAll(async () => {
  redis = await startRedis();
  const [http, sse, modern] = await Promise.all([
    startReferenceServer({ era: 'legacy', transport: 'http' }),
    startReferenceServer({ era: 'legacy', transport: 'sse' }),
    startReferenceServer({ era: 'modern', transport: 'http' }),
  ]);
  servers = [http, sse, modern];
  const entries = {
    'legacy-http': { transport: 'http', url: http.url },
    'legacy-sse': { transport: 'sse', url: sse.url },
    'legacy-stdio': { transport: 'stdio', ...referenceCommand('legacy') },
    'modern-http': { transport: 'http', url: modern.url },
    'modern-stdio': { transport: 'stdio', ...referenceCommand('modern') },
  };
  const allowing = Object.entries(entries).map(([slug, entry]) => [slug, { ...entry, allowUnknownMethods: true }]);
  cluster = await startCluster({ workers: 2, redis: redis.url, servers: Object.fromEntries(allowing) });
  const [first, second] = cluster.workers;
  if (!first || !second) throw new Error('Two workers must run.');
  workers = [first, second];
});

afterAll(async () => {
  await Promise.all(open.map((client) => client.close()));
  await cluster.stop();
  await Promise.all([redis.stop(), ...servers.map((server) => server.close())]);
});

/** Each client has a principal of its own, and so a child process of its own. */
async function connect({ kind, server, worker }: Cell): Promise<VendorClient> {
  const token = await cluster.token({ subject: `client-${(clients += 1)}` });
  const [owner, other] = workers;
  const visited = worker === 'another worker' ? other : owner;
  const client = await connectVendor(kind, { slug: server, token, owner: owner.url, visited: visited.url });
  open.push(client);
  return client;
}

const TITLE = '$kind, $server, at $worker';

describe('with allowUnknownMethods', () => {
  it.each(CELLS)(`a server receives the requests of a client: ${TITLE}`, async (cell) => {
    const client = await connect(cell);
    expect(await client.request('acme/echo', { text: 'ünï' })).toMatchObject({ text: 'ünï' });
  });

  it.each(CELLS)(`a server receives the notifications of a client: ${TITLE}`, async (cell) => {
    const client = await connect(cell);
    const text = `note ${clients}`;
    // The official server of the modern era reads no notification from its input before the first request.
    await client.request('acme/echo');
    await client.notify('acme/note', { text });
    const notes = async () => (await client.request('acme/notes'))['notes'] as string[];
    await until(async () => (await notes()).includes(text));
    expect(await notes()).toContain(text);
  });

  it.each(
    CELLS.filter(
      (cell) => !isLegacy(cell) || !['legacy-sse', 'legacy-stdio'].includes(cell.server) || hasSession(cell),
    ),
  )(`a client receives the notifications of a server during its request: ${TITLE}`, async (cell) => {
    const client = await connect(cell);
    const tell = () => client.request('acme/tell', { text: 'now' });
    expect(await client.received.untilReceivedAfter(tell, 'acme/told')).toEqual([{ text: 'now' }]);
  });

  it.each(CELLS.filter((cell) => isLegacy(cell) && hasSession(cell)))(
    `a session receives the notifications of a server outside its requests: ${TITLE}`,
    async (cell) => {
      const client = await connect(cell);
      const tell = () => client.request('acme/tell_outside', { text: 'later' });
      expect(await client.received.untilReceivedAfter(tell, 'acme/told')).toEqual([{ text: 'later' }]);
    },
  );

  it.each(CELLS.filter((cell) => isLegacy(cell) && hasSession(cell)))(
    `a session answers the requests of a server during its request: ${TITLE}`,
    async (cell) => {
      const client = await connect(cell);
      expect(await client.request('acme/ask', { text: 'sure?' })).toEqual({ answer: { confirmed: true } });
      expect(client.asked).toEqual([{ text: 'sure?' }]);
    },
  );

  it.each(CELLS.filter((cell) => isLegacy(cell) && hasSession(cell)))(
    `a session answers the requests of a server outside its requests: ${TITLE}`,
    async (cell) => {
      const client = await connect(cell);
      const text = `later ${clients}`;
      await until(async () => {
        await client.request('acme/ask_outside', { text });
        return client.asked.length > 0;
      });
      expect(client.asked[0]).toEqual({ text });
      const isNoted = async () => JSON.stringify(await client.request('acme/notes')).includes('confirmed');
      await until(isNoted);
    },
  );

  it.each(CELLS.filter((cell) => isLegacy(cell) && !hasSession(cell)))(
    `a server is refused its requests to a client without a session: ${TITLE}`,
    async (cell) => {
      const client = await connect(cell);
      const { answer } = await client.request('acme/ask', { text: 'sure?' });
      expect([-32601, -32600]).toContain(answer);
      expect(client.asked).toEqual([]);
    },
  );
});
