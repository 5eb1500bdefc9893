/** @waits */
import { afterEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js';
import { startNginx, type Nginx } from '../support/nginx.js';
import { until } from '../support/until.js';

let cluster: TestCluster | undefined;
let server: CountingServer | undefined;
let nginx: Nginx | undefined;
let wire: FaultProxy | undefined;

afterEach(async () => {
  await nginx?.stop();
  await cluster?.stop();
  await wire?.close();
  await server?.close();
  [cluster, server, nginx, wire] = [undefined, undefined, undefined, undefined];
});

async function call(url: string, token: string, mark: string, name = 'echo'): Promise<Response> {
  return fetch(`${url}/servers/ref/rpc`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: { text: mark, key: mark, call: mark } },
    }),
  });
}

async function isReady(worker: ClusterWorker): Promise<boolean> {
  return fetch(`${worker.url}/health/ready`, { signal: AbortSignal.timeout(scaleDeadline(1_000)) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

describe('test support: gateways that share a data folder', () => {
  it('gateways that share a data folder accept each other’s tokens, and each call reaches the server once', async () => {
    server = await startCountingServer({ era: 'modern', transport: 'http' });
    cluster = await startCluster({ workers: 2, servers: { ref: server.definition } });
    const token = await cluster.token();
    expect(new Set(cluster.workers.map(({ url }) => url)).size).toBe(2);
    for (const { url, pid } of cluster.workers) {
      const answer = await call(url, token, `to ${pid}`);
      expect(await answer.json()).toMatchObject({ result: { content: [{ text: `to ${pid}` }] } });
      expect(server.arrivals(`to ${pid}`)).toBe(1);
    }
    expect(server.duplicates()).toEqual([]);
  });

  it('gateways serve calls behind a load balancer without session affinity', async () => {
    server = await startCountingServer({ era: 'modern', transport: 'http' });
    cluster = await startCluster({ workers: 2, servers: { ref: server.definition } });
    nginx = await startNginx(cluster.workers.map(({ url }) => url));
    const token = await cluster.token();
    for (const mark of ['a', 'b', 'c', 'd']) {
      expect((await call(nginx.url, token, mark)).status).toBe(200);
      expect(server.arrivals(mark)).toBe(1);
    }
  });

  it('a single gateway can be killed, paused and added', async () => {
    cluster = await startCluster({ workers: 2, servers: {} });
    const [first, second] = cluster.workers as [ClusterWorker, ClusterWorker];
    first.kill('SIGKILL');
    expect(await first.ended).toBeNull();
    second.kill('SIGSTOP');
    expect(await isReady(second)).toBe(false);
    second.kill('SIGCONT');
    await until(() => isReady(second));
    const third = await cluster.addWorker();
    expect(await isReady(third)).toBe(true);
    third.kill('SIGTERM');
    expect(await third.ended).toBe(0);
  });
});

describe('a call whose answer is lost between server and gateway', () => {
  it('has an unknown outcome and is not sent again', async () => {
    server = await startCountingServer({ era: 'modern', transport: 'http' });
    wire = await startFaultProxy(server.definition.url);
    const definition = { ...server.definition, url: `http://${wire.address}/mcp` };
    cluster = await startCluster({ workers: 1, servers: { ref: definition } });
    const [worker] = cluster.workers as [ClusterWorker];
    const answer = call(worker.url, await cluster.token(), 'lost', 'hold');
    await server.arrived('lost');
    wire.sever();
    expect(await (await answer).json()).toMatchObject({ error: { code: -31_002, data: { outcome: 'unknown' } } });
    expect(server.arrivals('lost')).toBe(1);
  });
});
