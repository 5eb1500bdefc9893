/** @waits */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { referenceCommand, startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient } from '../support/admin-client.js';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { modern } from '../support/http-world.js';
import { until } from '../support/until.js';

let redis: RunningRedis;
let reference: ReferenceServer;
let cluster: TestCluster;
let operator: AdminClient;

beforeAll(async () => {
  redis = await startRedis();
  reference = await startReferenceServer({ era: 'legacy', transport: 'http' });
  const stdio = referenceCommand('legacy');
  cluster = await startCluster({
    workers: 3,
    redis: redis.url,
    env: { ISTHMUS_HEALTH_INTERVAL: '1s', ISTHMUS_HEALTH_DOWN_AFTER: '2', ISTHMUS_HEALTH_UP_AFTER: '1' },
    servers: {
      ref: { transport: 'http', url: reference.url },
      child: { transport: 'stdio', ...stdio },
    },
  });
  operator = new AdminClient(cluster, ['operator']);
});

afterAll(async () => {
  await cluster.stop();
  await reference.close();
  await redis.stop();
});

async function healthOf(server: string, worker: ClusterWorker): Promise<JsonObject> {
  const items = (await operator.get(worker, '/health')).json['items'] as JsonObject[];
  return items.find((item) => item['server'] === server) ?? {};
}

/** Resolves once every worker shows the state. */
const untilState = (server: string, state: string, workers = cluster.workers) =>
  until(async () => {
    const views = await Promise.all(workers.map((worker) => healthOf(server, worker)));
    return views.every((view) => view['state'] === state);
  });

async function idOf(worker: ClusterWorker): Promise<string> {
  const items = (await operator.get(worker, '/workers')).json['items'] as { id: string; pid: number }[];
  return items.find(({ pid }) => pid === worker.pid)?.id ?? '';
}

it('every worker shows the checks that one of them makes, and another one goes on when it is killed', async () => {
  await untilState('ref', 'up');
  expect(reference.openSessions).toBe(1);
  const [one] = cluster.workers;
  const { checkedBy, since } = await healthOf('ref', one!);
  const ids = await Promise.all(cluster.workers.map(idOf));
  const checker = cluster.workers[ids.indexOf(checkedBy as string)]!;
  const others = cluster.workers.filter((worker) => worker !== checker);
  checker.kill('SIGKILL');
  await checker.ended;
  await until(async () => {
    const views = await Promise.all(others.map((worker) => healthOf('ref', worker)));
    return views.every((view) => view['state'] === 'up' && view['checkedBy'] !== checkedBy && view['since'] === since);
  });
  await reference.close();
  await untilState('ref', 'down', others);
  expect(await healthOf('ref', others[0]!)).toMatchObject({
    lastError: { code: -31_004, detail: expect.stringContaining('ECONNREFUSED') },
  });
  reference = await startReferenceServer({
    era: 'legacy',
    transport: 'http',
    port: Number(new URL(reference.url).port),
  });
  await untilState('ref', 'up', others);
});

it('a check starts no child process, and asks one that runs at another worker', async () => {
  const workers = cluster.workers.filter(({ isRunning }) => isRunning);
  await untilState('child', 'idle', workers);
  const [one] = workers;
  const token = await cluster.token({ subject: 'caller' });
  const { message, headers } = modern(1, 'tools/list');
  // On a busy machine a process may start too slowly for the first list.
  await until(async () => {
    const response = await fetch(`${one!.url}/servers/child/mcp`, {
      method: 'POST',
      headers: {
        ...headers,
        authorization: `Bearer ${token}`,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify(message),
    });
    return 'result' in ((await response.json()) as JsonObject);
  });
  await untilState('child', 'up', workers);
  expect(await healthOf('child', one!)).toMatchObject({ state: 'up', failures: 0 });
});
