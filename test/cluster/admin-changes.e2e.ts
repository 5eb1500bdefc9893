/** @waits */
/** Every worker serves a change from the admin API of another worker within a second, even when Redis or PostgreSQL restarts. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { startPostgres, type RunningPostgres } from '#lib/testing/postgres-server';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { AdminClient, type AdminAnswer } from '../support/admin-client.js';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { until } from '../support/until.js';

/** A second is promised; doubled, because all processes share one machine. */
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

/** Calls a tool at the other worker and returns the status and the error code. */
async function callOther(slug: string, name = 'echo'): Promise<{ status: number; code: unknown }> {
  const answer = await fetch(`${other.url}/servers/${slug}/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await cluster.token()}` },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: { text: 'x' } } }),
  });
  const json = (await answer.json()) as { error?: { code: number } };
  return { status: answer.status, code: json.error?.code };
}

const isServed = async (slug: string) => (await callOther(slug)).status === 200;

/** Makes a change at one worker and returns the milliseconds until the other worker serves it. */
async function measure(change: () => Promise<AdminAnswer>, isVisible: () => Promise<boolean>): Promise<number> {
  const { status } = await change();
  expect(status).toBeLessThan(300);
  const changed = performance.now();
  await until(isVisible);
  return performance.now() - changed;
}

const create = (slug: string) => () =>
  send('POST', '/servers', { slug, entry: { transport: 'http', url: server.url } });

describe('a change over the admin API', () => {
  it('is served by the other worker within a second, for servers, policies, limits and teams', async () => {
    const times = [
      await measure(create('mine'), () => isServed('mine')),
      await measure(
        () =>
          send('POST', '/policies', { slug: 'none', entry: { effect: 'deny', servers: ['mine'], tools: ['echo'] } }),
        async () => !(await isServed('mine')),
      ),
      await measure(
        () => send('DELETE', '/policies/none'),
        () => isServed('mine'),
      ),
      await measure(
        () => send('POST', '/limits', { slug: 'few', entry: { rate: '1/1h' } }),
        async () => (await callOther('mine')).status === 429,
      ),
      await measure(
        () => send('DELETE', '/limits/few'),
        () => isServed('mine'),
      ),
      await measure(
        () => send('PUT', '/servers/mine', { entry: { transport: 'http', url: server.url, team: 'finance' } }),
        async () => (await callOther('mine')).status === 404,
      ),
      await measure(
        () => send('POST', '/teams', { slug: 'finance', entry: { members: ['tester'] } }),
        () => isServed('mine'),
      ),
      await measure(
        () => send('POST', '/servers/mine/disable'),
        async () => (await callOther('mine')).status === 404,
      ),
    ];
    expect(times.filter((ms) => ms > SERVED_WITHIN_MS)).toEqual([]);
  });

  it('is served by the other worker within a second while Redis is down and after it restarted empty', async () => {
    await redis.kill('SIGKILL');
    expect(await measure(create('without-redis'), () => isServed('without-redis'))).toBeLessThan(SERVED_WITHIN_MS);
    await redis.restart();
    expect(await measure(create('with-redis-again'), () => isServed('with-redis-again'))).toBeLessThan(
      SERVED_WITHIN_MS,
    );
  });

  it('is rejected while PostgreSQL is unavailable, and served within a second once PostgreSQL has restarted', async () => {
    await postgres.end('crash');
    expect(await create('too-early')()).toMatchObject({ status: 503 });
    expect(await isServed('with-redis-again')).toBe(true);
    await postgres.restart();
    await until(async () => (await send('GET', '/servers')).status === 200);
    await until(async () => (await admin.get(other, '/servers')).status === 200);
    expect(await measure(create('after-all'), () => isServed('after-all'))).toBeLessThan(SERVED_WITHIN_MS);
    expect(await send('GET', '/servers/too-early')).toMatchObject({ status: 404 });
  });
});
