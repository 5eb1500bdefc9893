/** @waits */
/**
 * The REST endpoint answers 401, the event stream is open at one worker, and the call arrives at the other: the client must
 * receive the 401 as a failure, never a success.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import type { JsonObject } from '#lib/mcp-protocol';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { FORWARDED_TRANSPORTS, clientViaIngress, SseClientViaIngress } from '../support/forwarding-clients.js';

const FAILURE = {
  isError: true,
  content: [{ type: 'text', text: expect.stringMatching(/401.*Unauthorized request/s) }],
};

let redis: RunningRedis;
let endpoint: Server;
let arrivals = 0;
let cluster: TestCluster;
let token: string;

beforeAll(async () => {
  endpoint = createServer((_request, response) => {
    arrivals += 1;
    response.writeHead(401, { 'content-type': 'application/json' });
    response.end('{"detail": "Unauthorized request"}');
  }).listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  const { port } = endpoint.address() as AddressInfo;
  redis = await startRedis();
  const api = { transport: 'rest', url: `http://127.0.0.1:${port}`, tools: { dummy: { path: '/dummy' } } };
  cluster = await startCluster({ workers: 2, redis: redis.url, servers: { api } });
  token = await cluster.token();
});

afterAll(async () => {
  await cluster?.stop();
  await redis?.stop();
  endpoint?.close();
});

beforeEach(() => {
  arrivals = 0;
});

/** The owner worker and the ingress worker. */
function rolesOf(swapped: boolean): { ownerUrl: string; ingressUrl: string } {
  const [first, second] = cluster.workers as [ClusterWorker, ClusterWorker];
  return swapped ? { ownerUrl: second.url, ingressUrl: first.url } : { ownerUrl: first.url, ingressUrl: second.url };
}

describe.each([
  { roles: 'the first worker, POSTs at the second', swapped: false },
  { roles: 'the second worker, POSTs at the first', swapped: true },
])('an HTTP+SSE client with its stream at $roles', ({ swapped }) => {
  it('receives the 401 of two concurrent calls as two failed results', async () => {
    const { ownerUrl, ingressUrl } = rolesOf(swapped);
    const client = new SseClientViaIngress(ownerUrl, ingressUrl, { token });
    await client.connect();
    const calls = [1, 2].map(() => client.request('tools/call', { name: 'api__dummy', arguments: {} }));
    for (const answer of await Promise.all(calls)) {
      expect(answer.status).toBe(202);
      expect(answer.answers).toHaveLength(1);
      const [message = {}] = answer.answers as JsonObject[];
      expect(message['id']).toBe(answer.id);
      expect(message['result']).toMatchObject(FAILURE);
    }
    expect(client.surplus).toEqual([]);
    expect(arrivals).toBe(2);
    await client.close();
  });

  it('receives the 401 as a failed result in the official SDK', async () => {
    const { ownerUrl, ingressUrl } = rolesOf(swapped);
    const headers = { authorization: `Bearer ${token}` };
    const posts: string[] = [];
    // The stream opens at the worker of the URL; POST requests go to the other worker.
    const transport = new SSEClientTransport(new URL(`${ownerUrl}/sse`), {
      requestInit: { headers },
      fetch: (url, init) => {
        if (init?.method !== 'POST') return fetch(url, init);
        const { pathname, search } = new URL(url);
        posts.push(pathname);
        return fetch(ingressUrl + pathname + search, init);
      },
    });
    const client = new Client({ name: 'two workers', version: '1.0.0' });
    await client.connect(transport);
    for (const _ of [1, 2]) expect(await client.callTool({ name: 'api__dummy', arguments: {} })).toMatchObject(FAILURE);
    // Handshake, its confirmation and two calls: all of them through the other worker.
    expect(posts).toEqual(Array.from({ length: 4 }, () => '/messages'));
    expect(arrivals).toBe(2);
    await client.close();
  });
});

it.each(FORWARDED_TRANSPORTS)(
  'a call through the other worker over %s receives the 401 as a failed result',
  async (transport) => {
    const client = clientViaIngress(transport, rolesOf(false), { token });
    await client.connect();
    const { answers, id } = await client.request('tools/call', { name: 'api__dummy', arguments: {} });
    expect(answers).toEqual([{ jsonrpc: '2.0', id, result: expect.objectContaining(FAILURE) }]);
    expect(arrivals).toBe(1);
    await client.close();
  },
);
