/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AdminClient, answerOf } from '../support/admin-client.js';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, firstThreeWorkers, type ClusterWorld } from '../support/cluster-world.js';

const RFC_3339 = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

let world: ClusterWorld;
let three: [ClusterWorker, ClusterWorker, ClusterWorker];
let operator: AdminClient;

beforeAll(async () => {
  world = await startClusterWorld(3);
  three = firstThreeWorkers(world);
  operator = new AdminClient(world.cluster, ['operator']);
});

afterAll(() => world.close());

describe('the admin API', () => {
  it('lists the sessions of all workers at every worker, page by page, without their secret session ids', async () => {
    const clients = await Promise.all([...three, ...three].map((worker) => world.initialize(worker)));
    for (const worker of three) {
      const items = await operator.all(worker, '/sessions', 2);
      expect(items).toHaveLength(clients.length);
      expect(new Set(items.map(({ id }) => id)).size).toBe(clients.length);
      expect(new Set(items.map((item) => item['worker'])).size).toBe(3);
      expect(items[0]).toEqual({
        id: expect.stringMatching(/^[\w-]+\.\d+$/),
        worker: expect.any(String),
        principal: 'isthmus|tester',
        endpoint: 'ref',
        revision: '2025-11-25',
        client: 'roaming',
        transport: 'http',
        lastUsedAt: RFC_3339,
        callsInFlight: 0,
        isAttached: false,
      });
      for (const { session } of clients) expect(JSON.stringify(items)).not.toContain(session);
    }
    await Promise.all(clients.map((client) => client.end(three[0])));
    expect(await operator.all(three[1], '/sessions', 200)).toEqual([]);
  });

  it('ends a session of another worker, and every worker answers its client with 404', async () => {
    const [first, second, third] = three;
    const client = await world.initialize(first);
    const [session] = await operator.all(second, '/sessions', 10);
    const path = `/sessions/${session?.['id'] as string}`;
    expect((await operator.send(third, 'DELETE', path)).status).toBe(204);
    for (const worker of three)
      expect(await client.callAndRead(worker, 'after its end')).toMatchObject({ status: 404 });
    expect(await operator.send(third, 'DELETE', path)).toMatchObject({ status: 404, json: { status: 404 } });
  });

  it('closes a connection to a server at another worker, and the session that depends on it ends', async () => {
    const [first, second] = three;
    const client = await world.initialize(first);
    await client.callAndRead(first, 'opens its upstream session');
    const mine = async () =>
      (await operator.all(second, '/upstream-sessions', 1)).filter(({ among }) => among === 'session');
    const [before] = await mine();
    expect(before).toMatchObject({
      server: 'ref',
      era: 'legacy',
      among: 'session',
      principal: 'isthmus|tester',
      users: 0,
    });
    const id = before?.['id'] as string;
    expect((await operator.send(second, 'DELETE', `/upstream-sessions/${id}`)).status).toBe(204);
    expect(await client.callAndRead(second, 'has lost its state')).toMatchObject({ status: 404 });
    expect(await mine()).toEqual([]);
  });

  it.each([
    '/sessions?limit=0',
    '/sessions?limit=201',
    '/sessions?limit=x',
    '/sessions?order=up',
    '/sessions?cursor=x',
  ])('answers %s with 400 and a problem document that names the fault', async (path) => {
    const { status, headers, json } = await operator.get(three[0], path);
    expect([status, headers.get('content-type')]).toEqual([400, expect.stringMatching(/^application\/problem\+json/)]);
    expect(json).toMatchObject({ title: 'Bad Request', status: 400, detail: expect.any(String) });
  });

  it.each([
    ['GET', '/sessions', { admin: 200, operator: 200, auditor: 200, user: 403 }],
    ['DELETE', '/sessions/none.1', { auditor: 403, user: 403 }],
    ['GET', '/upstream-sessions', { admin: 200, operator: 200, auditor: 200, user: 403 }],
    ['DELETE', '/upstream-sessions/none.1', { auditor: 403, user: 403 }],
    ['GET', '/workers', { admin: 200, operator: 200, auditor: 200, user: 403 }],
    ['POST', '/workers/none/drain', { admin: 404, operator: 404, auditor: 403, user: 403 }],
  ])('permits %s %s to the roles that may use it only', async (verb, path, statuses) => {
    for (const [role, status] of Object.entries(statuses)) {
      const answer = await new AdminClient(world.cluster, [role]).send(three[0], verb, path);
      expect([role, answer.status]).toEqual([role, status]);
    }
    const anonymous = await answerOf(await fetch(`${three[0].url}/admin/v1${path}`, { method: verb }));
    expect(anonymous).toMatchObject({ status: 401, json: { status: 401 } });
  });

  it('lists the workers and drains one, which ends as after a SIGTERM', async () => {
    const [first, second] = three;
    const { json } = await operator.get(first, '/workers');
    const items = json['items'] as { id: string; pid: number }[];
    expect(new Set(items.map(({ pid }) => pid))).toEqual(new Set(three.map(({ pid }) => pid)));
    expect(items[0]).toMatchObject({
      id: expect.stringMatching(/^[\w-]{22}$/),
      version: expect.any(String),
      startedAt: RFC_3339,
      isLeaving: false,
      memoryBytes: expect.any(Number),
    });
    const id = items.find(({ pid }) => pid === second.pid)?.id;
    expect((await operator.send(first, 'POST', `/workers/${id}/drain`)).status).toBe(202);
    expect(await second.ended).toBe(0);
    const left = (await operator.get(first, '/workers')).json['items'] as { pid: number }[];
    expect(left.map(({ pid }) => pid)).not.toContain(second.pid);
  });
});
