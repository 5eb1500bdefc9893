/** @waits */
/** Usage over several workers: each call is counted once, wherever it was made, also by a worker that shuts down. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient } from '../support/admin-client.js';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { DATABASE_KINDS, type DatabaseHost } from '../support/databases.js';
import { until } from '../support/until.js';

const PER_WORKER = 5;

let server: ReferenceServer;

beforeAll(async () => {
  server = await startReferenceServer({ era: 'modern', transport: 'http' });
});

afterAll(() => server.close());

describe.each(DATABASE_KINDS)('the usage of two workers in $name', ({ name, start }) => {
  let host: DatabaseHost;
  let cluster: TestCluster;
  let admin: AdminClient;

  beforeAll(async () => {
    host = await start();
    const place = await host.createDatabase();
    cluster = await startCluster({
      workers: 2,
      servers: { bank: { transport: 'http', url: server.url } },
      env: place.kind === 'postgres' ? { ISTHMUS_DATABASE_URL: place.url } : {},
    });
    admin = new AdminClient(cluster, ['auditor'], name);
  });

  afterAll(async () => {
    await cluster?.stop();
    await host.stop();
  });

  async function call(worker: ClusterWorker, subject: string, tool: string): Promise<void> {
    const answer = await fetch(`${worker.url}/servers/bank/rpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await cluster.token({ subject })}` },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: tool, arguments: { text: 'x' } },
      }),
    });
    await answer.arrayBuffer();
  }

  it('is complete once a worker has shut down', async () => {
    const [one, other] = cluster.workers as [ClusterWorker, ClusterWorker];
    for (const worker of [one, other])
      for (let count = 0; count < PER_WORKER; count += 1) await call(worker, count === 0 ? 'ada' : 'bob', 'echo');
    other.kill('SIGTERM');
    expect(await other.ended).toBe(0);
    const { json } = await admin.get(one, '/usage?by=principal,tool');
    expect(json).toMatchObject({
      by: ['principal', 'tool'],
      total: { calls: 2 * PER_WORKER, refused: 0, failed: 0, unknown: 0 },
      items: [
        { principal: { subject: 'bob' }, server: 'bank', tool: 'echo', calls: 2 * (PER_WORKER - 1) },
        { principal: { subject: 'ada' }, server: 'bank', tool: 'echo', calls: 2 },
      ],
      isTruncated: false,
    });
    const { serverMs, bytesIn, bytesOut } = json['total'] as Record<string, number>;
    expect(Math.min(serverMs ?? 0, bytesIn ?? 0, bytesOut ?? 0)).toBeGreaterThan(0);
  });

  it('of another worker is visible after it has written it', async () => {
    const [one] = cluster.workers as [ClusterWorker, ClusterWorker];
    const added = await cluster.addWorker();
    await call(added, 'eve', 'echo');
    const ofEve = async () => (await admin.get(one, '/usage?subject=eve')).json['total'] as { calls: number };
    await until(async () => (await ofEve()).calls > 0);
    expect(await ofEve()).toMatchObject({ calls: 1, refused: 0 });
  });

  it('is refused for a window that ends before it begins, and for unknown dimensions', async () => {
    const [one] = cluster.workers as [ClusterWorker, ClusterWorker];
    for (const query of ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'by=color', 'limit=0', 'from=yesterday'])
      expect(await admin.get(one, `/usage?${query}`)).toMatchObject({ status: 400 });
    expect((await admin.get(one, '/usage?by=team&by=server')).json).toMatchObject({ by: ['team', 'server'] });
  });
});
