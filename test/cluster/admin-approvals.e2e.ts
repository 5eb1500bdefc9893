/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { AdminClient } from '../support/admin-client.js';
import { startClusterWorld, threeRunning, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import { RepeatingClient, type InputRequired, type MarkedTool } from '../support/repeating-client.js';
import { nextMessage, type WorkerAddress } from '../support/roaming-client.js';
import { until } from '../support/until.js';

const text = (said: string) => ({ result: { content: [{ type: 'text', text: said }] } });
const error = (code: number, outcome: string) => ({ error: { code, data: { outcome } } });
const saying = (mark: string): MarkedTool => ({ mark, tool: 'echo', args: { text: mark } });
const stateOf = ({ requestState }: InputRequired) => ({ requestState });

let world: ClusterWorld;
let admin: AdminClient;
let modern: RepeatingClient;

beforeAll(async () => {
  world = await startClusterWorld(3, { era: 'legacy', transport: 'http' }, { ISTHMUS_APPROVAL_WAIT: '1s' });
  admin = new AdminClient(world.cluster, ['admin']);
  modern = new RepeatingClient({ token: await world.cluster.token() });
  const guardrail = { check: 'approval', options: { by: 'admin', tools: ['echo'], expiresAfterMs: 60_000 } };
  const [worker] = world.cluster.workers;
  expect(
    await admin.send(worker!, 'POST', '/guardrails', { body: { slug: 'dangerous', entry: guardrail } }),
  ).toMatchObject({ status: 201 });
  for (const each of world.cluster.workers)
    await until(async () => ((await admin.get(each, '/guardrails')).json['items'] as unknown[]).length === 1);
});

afterAll(async () => {
  await modern?.close();
  await world?.close();
});

interface Shown extends JsonObject {
  readonly id: string;
  readonly arguments: JsonObject;
}

/** Waits for the approval of a call, and returns its id. */
async function pending(at: WorkerAddress, mark: string): Promise<string> {
  let id: string | undefined;
  await until(async () => {
    const items = (await admin.get(at, '/approvals?state=pending')).json['items'] as Shown[];
    id = items.find((each) => each.arguments['call'] === mark)?.id;
    return id !== undefined;
  });
  return id!;
}

const approve = async (at: WorkerAddress, mark: string) =>
  expect(await admin.send(at, 'POST', `/approvals/${await pending(at, mark)}/approve`)).toMatchObject({ status: 200 });

describe('a call that needs an admin', () => {
  it('waits at the owner of its session, and is approved at another worker', async () => {
    const [owner, other, third] = await threeRunning(world);
    const client = await world.initialize(owner);
    const events = new EventReader(await client.call(other, 'a1', 'echo', { text: 'a1', call: 'a1' }));
    expect((await nextMessage(events)).message).toMatchObject({ method: 'notifications/progress' });
    expect(world.server.arrivals('a1')).toBe(0);
    await approve(third, 'a1');
    expect((await events.rest()).at(-1)).toMatchObject(text('a1'));
    expect(world.server.arrivals('a1')).toBe(1);
  });

  it('waits across requests of a modern client at several workers, and runs once', async () => {
    const [one, other, third] = await threeRunning(world);
    const asked = await modern.callForInput(one, saying('b1'));
    expect(asked.inputRequests).toBeUndefined();
    const again = await modern.callForInput(other, saying('b1'), stateOf(asked));
    await approve(third, 'b1');
    expect(await modern.call(third, saying('b1'), stateOf(again))).toMatchObject(text('b1'));
    for (const worker of [one, other])
      expect(await modern.call(worker, saying('b1'), stateOf(again))).toMatchObject(error(-32_602, 'unknown'));
    expect(world.server.arrivals('b1')).toBe(1);
  });

  it('is continued at another worker after the one at which it waited was killed', async () => {
    const [one, other] = await threeRunning(world);
    const asked = await modern.callForInput(one, saying('c1'));
    const waiting = modern.call(one, saying('c1'), stateOf(asked));
    waiting.catch(() => undefined);
    one.kill('SIGKILL');
    await expect(waiting).rejects.toThrow();
    await approve(other, 'c1');
    expect(await modern.call(other, saying('c1'), stateOf(asked))).toMatchObject(text('c1'));
    expect(world.server.arrivals('c1')).toBe(1);
  });

  it('has not run when the owner of its session is killed, and runs once with the approval of the first attempt', async () => {
    const [owner, other, third] = await threeRunning(world);
    const client = await world.initialize(owner);
    const events = new EventReader(await client.call(other, 'd1', 'echo', { text: 'd1', call: 'd1' }));
    await pending(third, 'd1');
    owner.kill('SIGKILL');
    expect((await events.rest()).at(-1)).toMatchObject({ error: { data: { outcome: 'unknown' } } });
    expect(world.server.arrivals('d1')).toBe(0);
    await approve(third, 'd1');
    const later = await world.initialize(other);
    const { messages } = await later.callAndRead(third, 'd1', 'echo', { text: 'd1', call: 'd1' });
    expect(messages.at(-1)).toMatchObject(text('d1'));
    expect(world.server.arrivals('d1')).toBe(1);
  });

  it('is approved for its caller alone', async () => {
    const [one, other] = await threeRunning(world);
    const stranger = new RepeatingClient({ token: await world.cluster.token({ subject: 'stranger' }) });
    const asked = await modern.callForInput(one, saying('e1'));
    await approve(other, 'e1');
    await stranger.callForInput(one, saying('e1'));
    expect(await stranger.call(one, saying('e1'), stateOf(asked))).toMatchObject(error(-32_602, 'not_executed'));
    expect(world.server.arrivals('e1')).toBe(0);
    await stranger.close();
  });
});
