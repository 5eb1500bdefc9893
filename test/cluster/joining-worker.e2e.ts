import { afterEach, expect, it } from '@jest/globals';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { referenceCommand } from '#lib/testing/reference-server';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';

/** The worker that starts a process depends on random ids: in one of two rounds each would start its own. */
const ROUNDS = 3;

let redis: RunningRedis | undefined;
let cluster: TestCluster | undefined;

afterEach(stop);

async function stop(): Promise<void> {
  await cluster?.stop();
  await redis?.stop();
}

async function call(worker: ClusterWorker, token: string, name: string, args: object): Promise<unknown> {
  const answer = await fetch(`${worker.url}/servers/ref/rpc`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  });
  return answer.json();
}

it('a worker that has joined is known to the others at once: they share one process of a server', async () => {
  const servers = { ref: { transport: 'stdio', ...referenceCommand('modern') } };
  for (let round = 0; round < ROUNDS; round += 1) {
    // Without the workers of the round before, which were killed.
    redis = await startRedis();
    cluster = await startCluster({ servers, workers: 0, redis: redis.url });
    const token = await cluster.token();
    const [first, second] = [await cluster.addWorker(), await cluster.addWorker()];
    for (const worker of [first, second, first]) await call(worker, token, 'add', { a: 1, b: 2 });
    // The counters are those of one process.
    const counted = await call(second, token, 'count_calls', { tool: 'add' });
    expect(counted).toMatchObject({ result: { structuredContent: { started: 3, finished: 3 } } });
    await stop();
  }
});
