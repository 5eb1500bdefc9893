/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { ModernRawClient } from '#lib/testing/raw-client';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startBothErasServer, type BothErasServer } from '../support/both-eras-server.js';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { RoamingClient } from '../support/roaming-client.js';

const ROWS = { rows: 1 };

let redis: RunningRedis;
let servers: readonly BothErasServer[];
let cluster: TestCluster;
let token: string;

beforeAll(async () => {
  redis = await startRedis();
  const [both, modern] = await Promise.all([startBothErasServer(), startBothErasServer(true)]);
  servers = [both, modern];
  const entries = {
    both: { transport: 'http', url: both.url },
    modern: { transport: 'http', url: modern.url },
  };
  cluster = await startCluster({ workers: 2, redis: redis.url, servers: entries });
  token = await cluster.token();
});

afterAll(async () => {
  await cluster.stop();
  await Promise.all([redis.stop(), ...servers.map((server) => server.close())]);
});

const contentOf = (answer: JsonObject | undefined) =>
  (answer?.['result'] as JsonObject | undefined)?.['structuredContent'];

function pair(isForwarded: boolean): [ClusterWorker, ClusterWorker] {
  const [owner, other] = cluster.workers as [ClusterWorker, ClusterWorker];
  return [owner, isForwarded ? other : owner];
}

async function callModern(worker: ClusterWorker, slug: string): Promise<unknown> {
  const client = new ModernRawClient(`${worker.url}/servers/${slug}/mcp`, { token });
  const { answers } = await client.request('tools/call', { name: 'rows', arguments: {} });
  await client.close();
  return contentOf(answers[0]);
}

describe.each([
  ['both eras', 'both'],
  ['the modern era alone', 'modern'],
])('structured content of any type, of a server of %s,', (_era, slug) => {
  it.each([
    ['its own worker', false],
    ['another worker', true],
  ])('is in one envelope for a legacy client at %s, and in none for a modern client', async (_worker, isForwarded) => {
    const [owner, visited] = pair(isForwarded);
    // The worker knows the server as a modern one.
    expect(await callModern(visited, slug)).toEqual(ROWS);
    const session = await RoamingClient.initialize(owner, { token, path: `/servers/${slug}` });
    for (const list of [false, true]) {
      if (list) await session.request(visited, 'tools/list');
      const { messages } = await session.callAndRead(visited, `rows ${list}`, 'rows', {});
      expect(contentOf(messages[0])).toEqual({ result: ROWS });
    }
    expect(await callModern(visited, slug)).toEqual(ROWS);
  });
});
