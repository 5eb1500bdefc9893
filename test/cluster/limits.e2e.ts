/** @waits */
/** Workers that share a Redis enforce one limit together. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { startCluster, type TestCluster } from '../support/cluster.js';

const RATE = 10;

let redis: RunningRedis;
let server: ReferenceServer;
let cluster: TestCluster;

beforeAll(async () => {
  [redis, server] = await Promise.all([startRedis(), startReferenceServer({ era: 'modern', transport: 'http' })]);
  cluster = await startCluster({
    workers: 2,
    redis: redis.url,
    servers: { everything: { transport: 'http', url: server.url } },
    limits: { few: { per: ['principal'], tools: ['echo'], rate: `${RATE}/1h` } },
  });
});

afterAll(async () => {
  await cluster?.stop();
  await Promise.all([server?.close(), redis?.stop()]);
});

it('a rate limit admits its number of calls over all workers together', async () => {
  const token = await cluster.token();
  const call = async (index: number) => {
    const { url } = cluster.workers[index % 2]!;
    const answer = await fetch(`${url}/servers/everything/rpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'echo', arguments: { text: 'x' } },
      }),
    });
    await answer.arrayBuffer();
    return answer.status;
  };
  const statuses = await Promise.all(Array.from({ length: 3 * RATE }, (_, index) => call(index)));
  expect(statuses.filter((status) => status === 200)).toHaveLength(RATE);
  expect(statuses.filter((status) => status === 429)).toHaveLength(2 * RATE);
});
