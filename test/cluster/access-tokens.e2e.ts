/** @waits */
/** A personal access token that is revoked at one worker stops working at the others, whatever the database does. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startPostgres, type RunningPostgres } from '#lib/testing/postgres-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient } from '../support/admin-client.js';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { until } from '../support/until.js';

/** Two seconds are promised; deadlines count twice on a machine that does everything at once. */
const BITES_WITHIN_MS = scaleDeadline(4_000);

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

async function make(): Promise<{ token: string; id: string }> {
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

it('is good at every worker soon, and refused at every worker within two seconds', async () => {
  const { token, id } = await make();
  expect(await statusAt(one, token)).toBe(200);
  await until(async () => (await statusAt(other, token)) === 200);
  expect(await user.send(one, 'DELETE', `/tokens/${id}`)).toMatchObject({ status: 204 });
  const revokedAt = performance.now();
  expect(await statusAt(one, token)).toBe(401);
  await until(async () => (await statusAt(other, token)) === 401);
  expect(performance.now() - revokedAt).toBeLessThan(BITES_WITHIN_MS);
});

it('ends the streams that it has opened, at every worker', async () => {
  const { token, id } = await make();
  await until(async () => (await statusAt(other, token)) === 200);
  const open = async ({ url }: ClusterWorker, bearer: string) => {
    const { body } = await fetch(`${url}/sse`, { headers: { authorization: `Bearer ${bearer}` } });
    if (!body) throw new Error('There is no stream.');
    const reader = body.getReader();
    await reader.read();
    return reader;
  };
  const [here, there, others] = [
    await open(one, token),
    await open(other, token),
    await open(other, await cluster.token()),
  ];
  expect(await user.send(one, 'DELETE', `/tokens/${id}`)).toMatchObject({ status: 204 });
  const revokedAt = performance.now();
  const endOf = async (reader: Awaited<ReturnType<typeof open>>) => {
    while (!(await reader.read().catch(() => ({ done: true }))).done);
  };
  await Promise.all([endOf(here), endOf(there)]);
  expect(performance.now() - revokedAt).toBeLessThan(BITES_WITHIN_MS);
  // Nobody else's.
  const racing = await Promise.race([others.closed.then(() => 'closed'), Promise.resolve('open')]);
  expect(racing).toBe('open');
  await others.cancel();
});

it('cannot be judged while the database is away; tokens that need none go on', async () => {
  const { token } = await make();
  await until(async () => (await statusAt(other, token)) === 200);
  await postgres.end('crash');
  await until(async () => (await statusAt(other, token)) === 503);
  expect(await statusAt(other, await cluster.token())).toBe(200);
  await postgres.restart();
  await until(async () => (await statusAt(other, token)) === 200);
});
