/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, firstThreeWorkers, type ClusterWorld } from '../support/cluster-world.js';
import { answerAll, RepeatingClient, type MarkedTool } from '../support/repeating-client.js';

const PATH = '/admin/v1/parked-calls';
const ADA = { action: 'accept', content: { name: 'Ada' } };

interface Shown {
  readonly id: string;
  readonly worker: string;
}

let world: ClusterWorld;
let three: [ClusterWorker, ClusterWorker, ClusterWorker];
let client: RepeatingClient;

beforeAll(async () => {
  world = await startClusterWorld(3);
  three = firstThreeWorkers(world);
  client = new RepeatingClient({ token: await world.cluster.token() });
});

afterAll(async () => {
  await client.close();
  await world.close();
});

async function send(worker: ClusterWorker, verb: string, path: string, roles?: string[]): Promise<Response> {
  const token = roles && (await world.cluster.token({ subject: 'ops', roles }));
  return fetch(worker.url + path, { method: verb, headers: token ? { authorization: `Bearer ${token}` } : {} });
}

async function listAt(worker: ClusterWorker): Promise<{ items: Shown[]; silentWorkers: string[] }> {
  const answer = await send(worker, 'GET', PATH, ['auditor']);
  expect(answer.status).toBe(200);
  return (await answer.json()) as { items: Shown[]; silentWorkers: string[] };
}

const park = (worker: ClusterWorker, what: MarkedTool) => client.callForInput(worker, what);

describe('the admin API for parked calls', () => {
  it('lists the parked calls of all workers at every worker, without their arguments and questions', async () => {
    const marks = three.map((_, index) => `shown ${index}`);
    const asked = await Promise.all(
      three.map((worker, index) => park(worker, { mark: marks[index]!, tool: 'ask_name' })),
    );
    for (const worker of three) {
      const { items, silentWorkers } = await listAt(worker);
      expect(silentWorkers).toEqual([]);
      expect(items).toHaveLength(3);
      expect(items[0]).toEqual({
        id: expect.stringMatching(/^[\w-]+\.[\w-]+$/),
        worker: expect.any(String),
        server: 'ref',
        method: 'tools/call',
        item: 'ask_name',
        principal: 'isthmus|tester',
        begunAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        questions: ['elicitation/create'],
        waiting: 0,
      });
      expect(new Set(items.map((item) => item.worker)).size).toBe(3);
      const [first] = items;
      const single = await send(worker, 'GET', `${PATH}/${first!.id}`, ['auditor']);
      expect(await single.json()).toEqual(first);
      for (const secret of ['shown', 'What is your name?']) expect(JSON.stringify(items)).not.toContain(secret);
    }
    for (const [index, questions] of asked.entries()) {
      await client.call(three[0], { mark: marks[index]!, tool: 'ask_name' }, answerAll(questions, ADA));
    }
    expect((await listAt(three[0])).items).toEqual([]);
  });

  it('cancels a parked call of another worker at its server, and the client receives an unknown outcome', async () => {
    const [first, second, third] = three;
    const what = { mark: 'cancelled by hand', tool: 'ask_name' };
    const { calls } = world.server.server;
    const before = calls.of('ask_name').cancelled;
    const asked = await park(first, what);
    const [item] = (await listAt(second)).items;
    const path = `${PATH}/${item?.id}`;
    expect((await send(third, 'DELETE', path, ['operator'])).status).toBe(204);
    await calls.until('ask_name', 'cancelled', before + 1);
    expect(await client.call(second, what, answerAll(asked, ADA))).toMatchObject({
      error: { code: -31_002, data: { outcome: 'unknown' } },
    });
    expect((await send(third, 'DELETE', path, ['operator'])).status).toBe(404);
    expect(world.server.arrivals(what.mark)).toBe(1);
  });

  it.each([
    ['GET', PATH, { admin: 200, operator: 200, auditor: 200, user: 403 }],
    ['DELETE', `${PATH}/nonsense`, { admin: 404, operator: 404, auditor: 403, user: 403 }],
  ])('permits %s %s to the roles that may use it only', async (verb, path, statuses) => {
    for (const [role, status] of Object.entries(statuses)) {
      const answer = await send(three[0], verb, path, [role]);
      expect([role, answer.status]).toEqual([role, status]);
      if (status === 200) continue;
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await answer.json()).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
    }
    expect((await send(three[0], verb, path, [])).status).toBe(403);
    const anonymous = await send(three[0], verb, path);
    expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringMatching(/^Bearer /),
    ]);
    const forged = await fetch(three[0].url + path, { method: verb, headers: { authorization: 'Bearer forged' } });
    expect(forged.status).toBe(401);
  });

  it('lists a worker that does not answer the query as silent', async () => {
    const [first, second] = three;
    second.kill('SIGSTOP');
    try {
      const { items, silentWorkers } = await listAt(first);
      expect([items, silentWorkers.length]).toEqual([[] satisfies JsonObject[], 1]);
    } finally {
      second.kill('SIGCONT');
    }
  });
});
