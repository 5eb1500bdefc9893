/** @waits */
/** A personal access token that is revoked at one worker stops working at all workers, even while the database is unavailable. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startPostgres, type RunningPostgres } from '#lib/testing/postgres-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient } from '../support/admin-client.js';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { until } from '../support/until.js';

/** Two seconds are promised; doubled, because all processes share one machine. */
const REVOKED_WITHIN_MS = scaleDeadline(4_000);

let postgres: RunningPostgres;
let server: ReferenceServer;
let cluster: TestCluster;
let one: ClusterWorker;
let other: ClusterWorker;
let user: AdminClient;

beforeAll(async () => {
  [postgres, server] = await Promise.all([startPostgres(), startReferenceServer({ era: 'modern', transport: 'http' })]);
  cluster = await startCluster({
    workers: 2,
    servers: { everything: { transport: 'http', url: server.url } },
    env: { ISTHMUS_DATABASE_URL: await postgres.createDatabase() },
  });
  [one, other] = cluster.workers as [ClusterWorker, ClusterWorker];
  user = new AdminClient(cluster, ['user'], 'ada');
});

afterAll(async () => {
  await cluster?.stop();
  await Promise.all([server?.close(), postgres?.stop()]);
});

async function createToken(): Promise<{ token: string; id: string }> {
  const { json } = await user.send(one, 'POST', '/tokens', { body: { title: 'here' } });
  return { token: json['token'] as string, id: json['id'] as string };
}

async function statusAt({ url }: ClusterWorker, token: string): Promise<number> {
  const answer = await fetch(`${url}/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

it('a personal access token is valid at every worker as soon as it is created, and rejected at every worker within two seconds after its revocation', async () => {
  const { token, id } = await createToken();
  expect(await statusAt(other, token)).toBe(200);
  expect(await statusAt(one, token)).toBe(200);
  expect(await user.send(one, 'DELETE', `/tokens/${id}`)).toMatchObject({ status: 204 });
  const revokedAt = performance.now();
  expect(await statusAt(one, token)).toBe(401);
  await until(async () => (await statusAt(other, token)) === 401);
  expect(performance.now() - revokedAt).toBeLessThan(REVOKED_WITHIN_MS);
});

it('revoking a personal access token closes its event streams at every worker, and no other streams', async () => {
  const { token, id } = await createToken();
  await until(async () => (await statusAt(other, token)) === 200);
  const open = async ({ url }: ClusterWorker, bearer: string) => {
    const { body } = await fetch(`${url}/sse`, { headers: { authorization: `Bearer ${bearer}` } });
    if (!body) throw new Error('The answer has no body.');
    const reader = body.getReader();
    await reader.read();
    return reader;
  };
  const [local, remote, foreign] = [
    await open(one, token),
    await open(other, token),
    await open(other, await cluster.token()),
  ];
  expect(await user.send(one, 'DELETE', `/tokens/${id}`)).toMatchObject({ status: 204 });
  const revokedAt = performance.now();
  const endOf = async (reader: Awaited<ReturnType<typeof open>>) => {
    while (!(await reader.read().catch(() => ({ done: true }))).done);
  };
  await Promise.all([endOf(local), endOf(remote)]);
  expect(performance.now() - revokedAt).toBeLessThan(REVOKED_WITHIN_MS);
  // The stream of another token stays open.
  const state = await Promise.race([foreign.closed.then(() => 'closed'), Promise.resolve('open')]);
  expect(state).toBe('open');
  await foreign.cancel();
});

it('a personal access token is answered 503 while the database is unavailable; signed tokens stay valid', async () => {
  const { token } = await createToken();
  await until(async () => (await statusAt(other, token)) === 200);
  await postgres.end('crash');
  await until(async () => (await statusAt(other, token)) === 503);
  expect(await statusAt(other, await cluster.token())).toBe(200);
  await postgres.restart();
  await until(async () => (await statusAt(other, token)) === 200);
});
