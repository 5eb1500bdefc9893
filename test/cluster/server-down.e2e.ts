/** @waits */
/** A server that goes down during calls: the alert, the state of its health, the log and the metrics agree. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { GatewayCode, type JsonObject } from '#lib/mcp-protocol';
import { ModernRawClient } from '#lib/testing/raw-client';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { startWebhookReceiver, type WebhookReceiver } from '#lib/testing/webhook-receiver';
import { AdminClient } from '../support/admin-client.js';
import { CallAccounts, type ReadMetric } from '../support/call-accounts.js';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { until } from '../support/until.js';

const METRICS_TOKEN = 'token-of-the-metrics-reader-00000';
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;

let receiver: WebhookReceiver;
let redis: RunningRedis;
let server: ReferenceServer;
let cluster: TestCluster;
let operator: AdminClient;
let accounts: CallAccounts;

beforeAll(async () => {
  [receiver, redis, server] = await Promise.all([
    startWebhookReceiver(),
    startRedis(),
    startReferenceServer({ era: 'modern', transport: 'http' }),
  ]);
  cluster = await startCluster({
    workers: 2,
    redis: redis.url,
    servers: { bank: { transport: 'http', url: server.url } },
    env: {
      ISTHMUS_LOG_FORMAT: 'json',
      ISTHMUS_METRICS_TOKEN: METRICS_TOKEN,
      ISTHMUS_HEALTH_INTERVAL: '1s',
      ISTHMUS_HEALTH_DOWN_AFTER: '2',
      ISTHMUS_HEALTH_UP_AFTER: '1',
      ISTHMUS_ALERT_WEBHOOK_URL: receiver.url,
      ISTHMUS_ALERT_WEBHOOK_SECRET: WEBHOOK_SECRET,
      ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8',
    },
  });
  operator = new AdminClient(cluster, ['operator']);
  accounts = new CallAccounts(cluster, cluster.workers, METRICS_TOKEN);
});

afterAll(async () => {
  await cluster.stop();
  await server.close();
  await redis.stop();
  await receiver.close();
});

interface DownData {
  readonly reason: string;
  readonly code: number;
}

/** Calls a tool over and over, and returns a function that ends this after the current call. */
function callRepeatedly({ url }: ClusterWorker, token: string): () => Promise<void> {
  let isEnding = false;
  const client = new ModernRawClient(`${url}/servers/bank/mcp`, { token });
  const calls = (async () => {
    while (!isEnding) await client.request('tools/call', { name: 'echo', arguments: { text: 'x' } });
    await client.close();
  })();
  return () => {
    isEnding = true;
    return calls;
  };
}

async function healthAt(worker: ClusterWorker): Promise<JsonObject> {
  const [item] = (await operator.get(worker, '/health')).json['items'] as JsonObject[];
  return item ?? {};
}

const untilState = (state: string): Promise<void> =>
  until(async () => (await Promise.all(cluster.workers.map(healthAt))).every((health) => health['state'] === state));

/** The messages of this context in the logs of all workers. */
const messagesOf = (context: string): string[] =>
  cluster.workers
    .flatMap(({ output }) => output.split('\n'))
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { readonly context: string; readonly message: string })
    .flatMap((line) => (line.context === context ? [line.message] : []));

/** The alerts that the receiver has accepted, after it has verified their signatures. */
const verified = (): JsonObject[] =>
  receiver.received.map(({ headers, body }) => new Webhook(WEBHOOK_SECRET).verify(body, headers) as JsonObject);

const ofType = (type: string) => verified().filter((alert) => alert['type'] === type);

it('a server that goes down during calls is one signed alert, and health, log and metrics agree', async () => {
  await untilState('up');
  const token = await cluster.token();
  const ends = cluster.workers.map((worker) => callRepeatedly(worker, token));
  await until(async () => (await accounts.readMetrics())('isthmus_server_up', { server: 'bank' }) === 2);
  await server.close();
  await receiver.until(() => ofType('server.down').length > 0);
  await untilState('down');
  const isRefusedAt = (read: ReadMetric) =>
    read('isthmus_refusals_total', { reason: 'upstream_failed', server: 'bank' });
  await until(async () => isRefusedAt(await accounts.readMetrics()) > 0);
  await Promise.all(ends.map((end) => end()));
  const [{ data }] = ofType('server.down') as unknown as [{ data: DownData }];
  expect(data).toEqual({ server: 'bank', failures: 2, reason: expect.any(String), code: GatewayCode.upstreamFailed });
  for (const worker of cluster.workers)
    expect(await healthAt(worker)).toMatchObject({
      server: 'bank',
      lastError: { code: data.code, reason: data.reason },
    });
  const lines = messagesOf('Health').filter((line) => line.includes('is down'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(`Server bank is down after 2 failed checks: ${data.reason}`);
  expect((await accounts.readMetrics())('isthmus_server_up', { server: 'bank' })).toBe(0);
  const port = Number(new URL(server.url).port);
  server = await startReferenceServer({ era: 'modern', transport: 'http', port });
  await receiver.until(() => ofType('server.recovered').length > 0);
  expect(ofType('server.recovered')).toMatchObject([{ data: { server: 'bank', state: 'up' } }]);
  // The recovery came after every report of the same failure, so no second one is on its way.
  expect(ofType('server.down')).toHaveLength(1);
});
