/** @waits */
/** A real Prometheus scrapes a real gateway of two workers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { GatewayProcess } from '../support/gateway-process.js';
import { until } from '../support/until.js';
import { startPrometheus, type PrometheusServer, type QueriedValue } from './prometheus-server.js';
import { HAS_PROMETHEUS } from './promtool.js';
import { readAlerts, readDashboards, targetsOf, withVariables } from './shipped-files.js';

const METRICS_TOKEN = 'a-token-for-metrics';
const READY = /Isthmus is ready at (http:\/\/(\S+))\/mcp/;
const CALLS = 12;
const SERVER = { era: 'modern', transport: 'http' } as const;

(HAS_PROMETHEUS ? describe : describe.skip)('Prometheus', () => {
  let folder: string;
  let redis: RunningRedis;
  let server: ReferenceServer;
  let gateway: GatewayProcess;
  let prometheus: PrometheusServer;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'isthmus-scraped-'));
    [redis, server] = await Promise.all([startRedis(), startReferenceServer(SERVER)]);
    const file = join(folder, 'isthmus.json');
    await writeFile(file, JSON.stringify({ servers: { bank: { transport: 'http', url: server.url, public: true } } }));
    const variables = {
      ISTHMUS_DATA_DIR: join(folder, 'data'),
      ISTHMUS_CONFIG: file,
      ISTHMUS_PORT: '0',
      ISTHMUS_REDIS_URL: redis.url,
      ISTHMUS_METRICS_TOKEN: METRICS_TOKEN,
      ISTHMUS_HEALTH_INTERVAL: '1s',
      ISTHMUS_HEALTH_DOWN_AFTER: '1',
      ISTHMUS_HEALTH_UP_AFTER: '1',
    };
    gateway = new GatewayProcess(variables, ['--workers', '2']);
    const [, base = '', address = ''] = await gateway.printed(READY);
    url = base;
    prometheus = await startPrometheus(address.replace('localhost', '127.0.0.1'), METRICS_TOKEN);
  });

  afterAll(async () => {
    await prometheus?.stop();
    await gateway?.destroy();
    await Promise.all([server?.close(), redis?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  /** Waits, because a scrape that takes too long leaves all series without a value until the next one. */
  async function expectValue(expr: string, expected: number): Promise<void> {
    await until(async () => (await prometheus.query(expr))[0]?.value === expected);
  }

  async function call(): Promise<void> {
    const answer = await fetch(`${url}/servers/bank/rpc`, {
      method: 'POST',
      // The primary distributes connections in turn: each request is served by the next worker.
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'echo', arguments: { text: 'x' } },
      }),
    });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
  }

  it('counts the calls of both workers, each once', async () => {
    await expectValue('isthmus_workers', 2);
    for (let count = 0; count < CALLS; count += 1) await call();
    let counted: readonly QueriedValue[] = [];
    await until(async () => {
      counted = await prometheus.query('isthmus_tool_calls_total');
      return counted.reduce((sum, { value }) => sum + value, 0) >= CALLS;
    });
    const metric = { server: 'bank', tool: 'echo', outcome: 'executed', job: 'isthmus' };
    expect(counted).toEqual([{ value: CALLS, metric: expect.objectContaining(metric) }]);
    await expectValue('mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call"}', CALLS);
    await expectValue('isthmus_redis_up', 1);
  });

  it('evaluates every alert, and every query of the dashboards', async () => {
    const alerts = readAlerts().map(({ alert }) => alert);
    await until(async () => (await prometheus.evaluatedAlerts()).length === alerts.length);
    expect(await prometheus.evaluatedAlerts()).toEqual(alerts);
    for (const { expr } of readDashboards().flatMap(targetsOf))
      await expect(prometheus.query(withVariables(expr))).resolves.toEqual(expect.any(Array));
    expect(await prometheus.query('ALERTS{alertstate="firing"}')).toEqual([]);
  });

  it('shows that a server is down, and that it has recovered, without a call to it', async () => {
    const state = 'min by (server) (isthmus_server_up)';
    await expectValue(state, 1);
    await server.close();
    await expectValue(state, 0);
    server = await startReferenceServer({ ...SERVER, port: Number(new URL(server.url).port) });
    await expectValue(state, 1);
  });
});
