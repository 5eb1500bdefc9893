/** @waits */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, threeRunning, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import { toolCall, read, type RoamingClient } from '../support/roaming-client.js';
import { until } from '../support/until.js';

const GONE = 404;
const SERVED = { status: 200, messages: [{ result: {} }] };
const WATCHED = 'test://watched-resource';

let world: ClusterWorld;
let draining: ClusterWorker;
let second: ClusterWorker;
let third: ClusterWorker;
/** Where the server holds the calls of a test: a gate that was once opened stays open. */
let gate: string;
let tests = 0;

beforeAll(async () => {
  world = await startClusterWorld(3);
});

beforeEach(async () => {
  [draining, second, third] = await threeRunning(world);
  gate = `gate ${(tests += 1)}`;
});

afterAll(() => world.close());

const textOf = (answer: { messages: readonly object[] }) => answer.messages.map((message) => JSON.stringify(message));

/** Drains the worker and waits until it has ended. */
async function drain(worker: ClusterWorker): Promise<void> {
  worker.kill('SIGTERM');
  expect(await worker.ended).toBe(0);
}

describe('a draining worker', () => {
  it('hands its sessions off to live workers, where their clients continue immediately', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => world.initialize(draining)));
    const before = await Promise.all(clients.map((client, index) => client.callAndRead(second, `before ${index}`)));
    for (const answer of before) expect(answer).toMatchObject(SERVED);
    await drain(draining);
    for (const [index, client] of clients.entries()) {
      const answer = await client.callAndRead(index % 2 ? second : third, `after ${index}`);
      expect(answer).toMatchObject({ status: 200, messages: [{ result: { content: [{ text: `after ${index}` }] } }] });
    }
    expect(world.server.duplicates()).toEqual([]);
  });

  it('hands the upstream session off too, without a new initialize request at the server', async () => {
    const client = await world.initialize(draining);
    await client.callAndRead(draining, 'one');
    const before = [...world.server.sessions];
    await drain(draining);
    expect(await client.callAndRead(third, 'two')).toMatchObject(SERVED);
    expect([...world.server.sessions]).toEqual(before);
  });

  it('hands off sessions that it received from another draining worker', async () => {
    const client = await world.initialize(draining);
    await client.callAndRead(draining, 'first home');
    await drain(draining);
    expect(await client.callAndRead(second, 'second home')).toMatchObject(SERVED);
    await world.cluster.addWorker();
    await drain(second);
    expect(await client.callAndRead(third, 'third home')).toMatchObject(SERVED);
  });

  it('answers every in-flight call, at whichever worker its client is connected, and each runs once', async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => world.initialize(draining)));
    const marks = clients.map((_, index) => `call ${index}`);
    const calling = clients.map((client, index) => inFlight(client, index % 2 ? draining : second, marks[index] ?? ''));
    await Promise.all(marks.map((mark) => world.server.arrived(mark)));
    draining.kill('SIGTERM');
    await draining.printed(/Draining/);
    world.server.server.world.release(gate);
    const answers = await Promise.all(calling);
    for (const [index, answer] of answers.entries()) {
      expect(answer.status).toBe(200);
      expect(answer.messages.at(-1)).toMatchObject({ id: marks[index], result: { content: [{}] } });
    }
    expect(await draining.ended).toBe(0);
    expect(marks.map((mark) => world.server.arrivals(mark))).toEqual(marks.map(() => 1));
    for (const client of clients)
      expect(await client.callAndRead(third, `later ${client.session}`)).toMatchObject(SERVED);
  });

  it('answers the in-flight calls of other workers over its connections', async () => {
    // A new worker knows all workers that started before it.
    const newWorker = await world.cluster.addWorker();
    const marks = Array.from({ length: 36 }, (_, index) => `pooled ${index}`);
    const calling = marks.map((mark) => callAlone(newWorker, mark));
    await Promise.all(marks.map((mark) => world.server.arrived(mark)));
    const before = world.server.server.openSessions;
    draining.kill('SIGTERM');
    await draining.printed(/Draining/);
    await until(async () => (await fetch(`${draining.url}/health/ready`).catch(() => undefined))?.status !== 200);
    world.server.server.world.release(gate);
    for (const answer of await Promise.all(calling)) {
      expect(answer).toMatchObject({ status: 200, messages: [{ result: { content: [{}] } }] });
    }
    expect(await draining.ended).toBe(0);
    // The worker held some of the connections, and the server sees them end.
    expect(world.server.server.openSessions).toBeLessThan(before);
  });

  it('hands off the subscriptions of its clients, and closes their streams so that they reconnect', async () => {
    const client = await world.initialize(draining);
    await client.request(second, 'resources/subscribe', { uri: WATCHED });
    const stream = new EventReader(await client.stream(second));
    const opened = await stream.next();
    await drain(draining);
    await stream.rest();
    const again = new EventReader(await client.stream(third, opened?.id));
    world.server.server.world.touch(WATCHED);
    expect(await again.message()).toMatchObject({
      method: 'notifications/resources/updated',
      params: { uri: WATCHED },
    });
  });

  it('is dead to all workers at once, and answers 404 for sessions that it could not hand off', async () => {
    const client = await world.initialize(draining);
    const others = [second, third];
    for (const worker of others) await drain(worker);
    await drain(draining);
    const newWorker = await world.cluster.addWorker();
    expect((await client.callAndRead(newWorker, 'session lost')).status).toBe(GONE);
    expect((await world.initialize(newWorker)).session).not.toBe(client.session);
  });
});

describe('the readiness check of a draining worker', () => {
  it('fails immediately, while calls are still in flight', async () => {
    const client = await world.initialize(draining);
    const calling = inFlight(client, draining, 'last');
    await world.server.arrived('last');
    draining.kill('SIGTERM');
    await until(async () => (await fetch(`${draining.url}/health/ready`).catch(() => undefined))?.status !== 200);
    world.server.server.world.release(gate);
    expect(textOf(await calling).join()).toContain(`released ${gate}`);
    expect(await draining.ended).toBe(0);
  });
});

/** A call that the server answers once the gate is released. */
const inFlight = async (client: RoamingClient, worker: ClusterWorker, mark: string) =>
  read(await client.post(worker, toolCall(mark, 'hold', { key: gate })));

/** The same call without a session, for a principal of its own: rendezvous hashing decides which worker has its connection. */
async function callAlone(worker: ClusterWorker, mark: string) {
  const token = await world.cluster.token({ subject: mark });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify(toolCall(mark, 'hold', { key: gate }));
  return read(await fetch(`${worker.url}/servers/ref/rpc`, { method: 'POST', headers, body }));
}
