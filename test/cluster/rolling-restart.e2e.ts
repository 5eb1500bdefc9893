/** @waits */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startRedis } from '#lib/testing/redis-server';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { startNginx } from '../support/nginx.js';
import { childrenOf } from '../support/processes.js';
import { until } from '../support/until.js';

let server: CountingServer;

beforeEach(async () => {
  server = await startCountingServer({ era: 'modern', transport: 'http' });
});

afterEach(() => server.close());

const definition = () => ({ ...server.definition, public: true });

async function call(url: string, name: string, mark: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${url}/servers/ref/rpc`, {
    method: 'POST',
    // Each call opens a new connection: a kept-alive connection would stay with one worker.
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: { text: mark, key: 'door', call: mark } },
    }),
  });
  return { status: answer.status, text: await answer.text() };
}

/** Calls continuously until `during` ends. Returns the calls that failed and those that did not run exactly once. */
async function whileCalling(url: string, action: () => Promise<void>): Promise<readonly string[]> {
  let isOver = false;
  const faults: string[] = [];
  const marks: string[] = [];
  const callWithoutEnd = async (caller: number) => {
    for (let round = 0; !isOver; round += 1) {
      const mark = `${caller}/${round}`;
      marks.push(mark);
      const { status, text } = await call(url, 'echo', mark);
      if (status !== 200 || !text.includes('"result"')) faults.push(`${mark}: ${status} ${text}`);
    }
  };
  const callers = Array.from({ length: 8 }, (_, caller) => callWithoutEnd(caller));
  await server.arrived('0/5');
  await action();
  isOver = true;
  await Promise.all(callers);
  return [...faults, ...marks.filter((mark) => server.arrivals(mark) !== 1)];
}

describe('gateways behind a load balancer', () => {
  let cluster: TestCluster;

  beforeEach(async () => {
    const env = { ISTHMUS_DRAIN_GRACE: '2s', ISTHMUS_UPSTREAM_CONNECTIONS: '600' };
    cluster = await startCluster({ workers: 2, servers: { ref: definition() }, env });
  });

  afterEach(() => cluster.stop());

  // About 5 s: two gateways start one after the other, with a grace period of two seconds.
  it('are replaced one after the other without losing or repeating a call', async () => {
    const urls = () => cluster.workers.map(({ url }) => url);
    const nginx = await startNginx(urls());
    try {
      const faults = await whileCalling(nginx.url, async () => {
        const [draining, remaining] = cluster.workers as [ClusterWorker, ClusterWorker];
        await nginx.setGateways([remaining.url]);
        draining.kill('SIGTERM');
        expect(await draining.ended).toBe(0);
        const { url } = await cluster.addWorker();
        await nginx.setGateways([remaining.url, url]);
      });
      expect(faults).toEqual([]);
    } finally {
      await nginx.stop();
    }
  });

  it('fail their readiness check at once while draining, serve during the grace period, and finish 500 in-flight calls', async () => {
    const [draining] = cluster.workers as [ClusterWorker];
    const held = Array.from({ length: 500 }, (_, index) => call(draining.url, 'hold', `held ${index}`));
    await server.server.calls.until('hold', 'started', 500);
    const drainedAt = performance.now();
    draining.kill('SIGTERM');
    await until(async () => (await fetch(`${draining.url}/health/ready`)).status === 503);
    expect(performance.now() - drainedAt).toBeLessThan(scaleDeadline(2 * 100));
    expect((await call(draining.url, 'echo', 'late')).status).toBe(200);
    server.server.world.release('door');
    const answers = await Promise.all(held);
    expect(answers.filter(({ status, text }) => status !== 200 || !text.includes('"result"'))).toEqual([]);
    expect(await draining.ended).toBe(0);
    expect(server.duplicates()).toEqual([]);
  });
});

describe('workers that share a port', () => {
  it('are replaced one after the other without losing or repeating a call, without a grace period', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'isthmus-rolling-'));
    const redis = await startRedis();
    const file = join(folder, 'isthmus.json');
    await writeFile(file, JSON.stringify({ servers: { ref: definition() } }));
    const env = { ISTHMUS_DATA_DIR: folder, ISTHMUS_CONFIG: file, ISTHMUS_PORT: '0', ISTHMUS_REDIS_URL: redis.url };
    const gateway = new GatewayProcess(env, ['--workers', '2']);
    try {
      const [, url = ''] = await gateway.printed(/Isthmus is ready at (http:\/\/\S+)\/mcp/);
      const [draining = 0] = await childrenOf(gateway.pid, 'dist/src/main.js');
      const faults = await whileCalling(url, async () => {
        process.kill(draining, 'SIGTERM');
        await gateway.printed(new RegExp(`Worker ${draining} ended \\(exit code 0\\)`));
      });
      expect(faults).toEqual([]);
    } finally {
      await gateway.destroy();
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
