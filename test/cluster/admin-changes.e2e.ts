/** @waits */
/** What is changed over the admin API of one worker is served by the other within a second, whatever restarts meanwhile. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startPostgres, type RunningPostgres } from '#lib/testing/postgres-server';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient, type AdminAnswer } from '../support/admin-client.js';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { until } from '../support/until.js';

/** A second is promised; deadlines count twice on a machine that does everything at once. */
const SERVED_WITHIN_MS = scaleDeadline(2_000);

let postgres: RunningPostgres;
let redis: RunningRedis;
let server: ReferenceServer;
let cluster: TestCluster;
let one: ClusterWorker;
let other: ClusterWorker;
let admin: AdminClient;

beforeAll(async () => {
  [postgres, redis, server] = await Promise.all([
    startPostgres(),
    startRedis(),
    startReferenceServer({ era: 'modern', transport: 'http' }),
  ]);
  cluster = await startCluster({
    workers: 2,
    redis: redis.url,
    servers: {},
    env: { ISTHMUS_DATABASE_URL: await postgres.createDatabase(), ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' },
  });
  [one, other] = cluster.workers as [ClusterWorker, ClusterWorker];
  admin = new AdminClient(cluster, ['admin']);
});

afterAll(async () => {
  await cluster?.stop();
  await Promise.all([server?.close(), redis?.stop(), postgres?.stop()]);
});

const send = (verb: string, path: string, body?: JsonObject): Promise<AdminAnswer> =>
  admin.send(one, verb, path, { ...(body && { body }), headers: { 'if-match': '*' } });

/** A call at the other worker: its status and error. */
async function callThere(slug: string, name = 'echo'): Promise<{ status: number; code: unknown }> {
  const answer = await fetch(`${other.url}/servers/${slug}/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await cluster.token()}` },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: { text: 'x' } } }),
  });
  const json = (await answer.json()) as { error?: { code: number } };
  return { status: answer.status, code: json.error?.code };
}

const isServed = async (slug: string) => (await callThere(slug)).status === 200;

/** Changes something here, and says how long it took until the other worker serves that. */
async function timeOf(change: () => Promise<AdminAnswer>, isThere: () => Promise<boolean>): Promise<number> {
  const { status } = await change();
  expect(status).toBeLessThan(300);
  const changed = performance.now();
  await until(isThere);
  return performance.now() - changed;
}

const create = (slug: string) => () =>
  send('POST', '/servers', { slug, entry: { transport: 'http', url: server.url } });

describe('a change', () => {
  it('is served by the other worker within a second: servers, policies, limits, teams, tools', async () => {
    const times = [
      await timeOf(create('mine'), () => isServed('mine')),
      await timeOf(
        () =>
          send('POST', '/policies', { slug: 'none', entry: { effect: 'deny', servers: ['mine'], tools: ['echo'] } }),
        async () => !(await isServed('mine')),
      ),
      await timeOf(
        () => send('DELETE', '/policies/none'),
        () => isServed('mine'),
      ),
      await timeOf(
        () => send('POST', '/limits', { slug: 'few', entry: { rate: '1/1h' } }),
        async () => (await callThere('mine')).status === 429,
      ),
      await timeOf(
        () => send('DELETE', '/limits/few'),
        () => isServed('mine'),
      ),
      await timeOf(
        () => send('PUT', '/servers/mine', { entry: { transport: 'http', url: server.url, team: 'finance' } }),
        async () => (await callThere('mine')).status === 404,
      ),
      await timeOf(
        () => send('POST', '/teams', { slug: 'finance', entry: { members: ['tester'] } }),
        () => isServed('mine'),
      ),
      await timeOf(
        () => send('POST', '/servers/mine/disable'),
        async () => (await callThere('mine')).status === 404,
      ),
    ];
    expect(times.filter((ms) => ms > SERVED_WITHIN_MS)).toEqual([]);
  });

  it('is served within a second also after Redis was emptied and started again', async () => {
    await redis.kill('SIGKILL');
    expect(await timeOf(create('without-redis'), () => isServed('without-redis'))).toBeLessThan(SERVED_WITHIN_MS);
    await redis.restart();
    expect(await timeOf(create('with-redis-again'), () => isServed('with-redis-again'))).toBeLessThan(SERVED_WITHIN_MS);
  });

  it('is refused while PostgreSQL is away, and served within a second once it is back', async () => {
    await postgres.end('crash');
    expect(await create('too-early')()).toMatchObject({ status: 503 });
    expect(await isServed('with-redis-again')).toBe(true);
    await postgres.restart();
    await until(async () => (await send('GET', '/servers')).status === 200);
    await until(async () => (await admin.get(other, '/servers')).status === 200);
    expect(await timeOf(create('after-all'), () => isServed('after-all'))).toBeLessThan(SERVED_WITHIN_MS);
    expect(await send('GET', '/servers/too-early')).toMatchObject({ status: 404 });
  });
});
