/** @waits */
/** Workers that share a Redis enforce one limit together, and know the tasks of each other's clients. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import type { JsonObject } from '#lib/mcp-protocol';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { RoamingClient } from '../support/roaming-client.js';

const RATE = 10;

/** A legacy server that keeps the tasks of all its callers in one table, as it cannot tell them apart. */
async function startTaskServer(): Promise<Server> {
  const tasks: JsonObject[] = [];
  const resultOf = (method: string, { taskId }: JsonObject): JsonObject | undefined => {
    if (method === 'initialize') {
      const capabilities = { tools: {}, tasks: { list: {}, requests: { tools: { call: {} } } } };
      return { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 'jobs', version: '1' } };
    }
    if (method === 'tools/list') return { tools: [{ name: 'work', inputSchema: { type: 'object' } }] };
    if (method === 'tasks/list') return { tasks };
    if (method !== 'tools/call') return tasks.find((task) => task['taskId'] === taskId);
    const task = { taskId: `task-${tasks.length + 1}`, status: 'working', ttl: 60_000 };
    tasks.push(task);
    return { task };
  };
  const started = createServer((request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    return void text(request).then((body) => {
      const { id, method, params = {} } = JSON.parse(body) as { id?: number; method: string; params?: JsonObject };
      if (id === undefined) return response.writeHead(202).end();
      const result = resultOf(method, params);
      const answer = result ? { result } : { error: { code: -32_602, message: 'not found' } };
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
    });
  }).listen(0, '127.0.0.1');
  await once(started, 'listening');
  return started;
}

let redis: RunningRedis;
let server: ReferenceServer;
let jobs: Server;
let cluster: TestCluster;

beforeAll(async () => {
  [redis, server, jobs] = await Promise.all([
    startRedis(),
    startReferenceServer({ era: 'modern', transport: 'http' }),
    startTaskServer(),
  ]);
  cluster = await startCluster({
    workers: 2,
    redis: redis.url,
    servers: {
      everything: { transport: 'http', url: server.url },
      jobs: { transport: 'http', url: `http://127.0.0.1:${(jobs.address() as AddressInfo).port}/mcp`, tasks: true },
    },
    limits: { few: { per: ['principal'], tools: ['echo'], rate: `${RATE}/1h` } },
  });
});

afterAll(async () => {
  await cluster?.stop();
  jobs?.close();
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

it('a task is usable and listed at every worker for the principal that created it, and for nobody else', async () => {
  const [one, other] = cluster.workers as [ClusterWorker, ClusterWorker];
  const clientOf = async (subject: string, worker: ClusterWorker) => {
    const token = await cluster.token({ subject });
    const client = await RoamingClient.initialize(worker, { token, path: '/servers/jobs' });
    return async (method: string, params: JsonObject = {}) => {
      const { messages } = await client.request(worker, method, params);
      return messages.at(-1) as { result?: JsonObject; error?: { code: number } };
    };
  };
  const create = { name: 'work', arguments: {}, task: { ttl: 60_000 } };
  const [ada, adaElsewhere] = [await clientOf('ada', one), await clientOf('ada', other)];
  const { result: created } = await ada('tools/call', create);
  const { taskId } = created!['task'] as { taskId: string };
  expect(await adaElsewhere('tasks/get', { taskId })).toMatchObject({ result: { taskId, status: 'working' } });
  expect(await adaElsewhere('tasks/list')).toMatchObject({ result: { tasks: [{ taskId }] } });

  for (const worker of [one, other]) {
    const bob = await clientOf('bob', worker);
    expect(await bob('tasks/list')).toMatchObject({ result: { tasks: [] } });
    for (const id of [taskId, 'task-1']) {
      expect(await bob('tasks/get', { taskId: id })).toMatchObject({ error: { code: -32_602 } });
    }
  }
});
