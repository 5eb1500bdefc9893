/** @waits */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, threeRunning, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import { callOf, read, type RoamingClient } from '../support/roaming-client.js';
import { until } from '../support/until.js';

const GONE = 404;
const SERVED = { status: 200, messages: [{ result: {} }] };
const WATCHED = 'test://watched-resource';

let world: ClusterWorld;
let leaver: ClusterWorker;
let second: ClusterWorker;
let third: ClusterWorker;
/** Where the server holds the calls of a test: a gate that was once opened stays open. */
let gate: string;
let tests = 0;

beforeAll(async () => {
  world = await startClusterWorld(3);
});

beforeEach(async () => {
  [leaver, second, third] = await threeRunning(world);
  gate = `gate ${(tests += 1)}`;
});

afterAll(() => world.close());

const textOf = (answer: { messages: readonly object[] }) => answer.messages.map((message) => JSON.stringify(message));

/** Has the worker leave and waits until it has. */
async function leave(worker: ClusterWorker): Promise<void> {
  worker.kill('SIGTERM');
  expect(await worker.ended).toBe(0);
}

describe('a worker that is told to leave', () => {
  it('gives its sessions to living workers, where their clients go on at once', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => world.initialize(leaver)));
    const before = await Promise.all(clients.map((client, index) => client.ask(second, `before ${index}`)));
    for (const answer of before) expect(answer).toMatchObject(SERVED);
    await leave(leaver);
    for (const [index, client] of clients.entries()) {
      const answer = await client.ask(index % 2 ? second : third, `after ${index}`);
      expect(answer).toMatchObject({ status: 200, messages: [{ result: { content: [{ text: `after ${index}` }] } }] });
    }
    expect(world.server.duplicates()).toEqual([]);
  });

  it('gives away the session at the server too: nothing is initialized anew', async () => {
    const client = await world.initialize(leaver);
    await client.ask(leaver, 'one');
    const before = [...world.server.sessions];
    await leave(leaver);
    expect(await client.ask(third, 'two')).toMatchObject(SERVED);
    expect([...world.server.sessions]).toEqual(before);
  });

  it('is followed more than once', async () => {
    const client = await world.initialize(leaver);
    await client.ask(leaver, 'first home');
    await leave(leaver);
    expect(await client.ask(second, 'second home')).toMatchObject(SERVED);
    await world.cluster.addWorker();
    await leave(second);
    expect(await client.ask(third, 'third home')).toMatchObject(SERVED);
  });

  it('answers every call in flight, wherever its client is, and each runs once', async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => world.initialize(leaver)));
    const marks = clients.map((_, index) => `call ${index}`);
    const calling = clients.map((client, index) => inFlight(client, index % 2 ? leaver : second, marks[index] ?? ''));
    await Promise.all(marks.map((mark) => world.server.arrived(mark)));
    leaver.kill('SIGTERM');
    await leaver.printed(/Draining/);
    world.server.server.world.release(gate);
    const answers = await Promise.all(calling);
    for (const [index, answer] of answers.entries()) {
      expect(answer.status).toBe(200);
      expect(answer.messages.at(-1)).toMatchObject({ id: marks[index], result: { content: [{}] } });
    }
    expect(await leaver.ended).toBe(0);
    expect(marks.map((mark) => world.server.arrivals(mark))).toEqual(marks.map(() => 1));
    for (const client of clients) expect(await client.ask(third, `later ${client.session}`)).toMatchObject(SERVED);
  });

  it('answers the calls in flight over connections that it has for clients of others', async () => {
    // It knows of all who were there before it.
    const newcomer = await world.cluster.addWorker();
    const marks = Array.from({ length: 36 }, (_, index) => `pooled ${index}`);
    const calling = marks.map((mark) => callAlone(newcomer, mark));
    await Promise.all(marks.map((mark) => world.server.arrived(mark)));
    const before = world.server.server.openSessions;
    leaver.kill('SIGTERM');
    await leaver.printed(/Draining/);
    await until(async () => (await fetch(`${leaver.url}/health/ready`).catch(() => undefined))?.status !== 200);
    world.server.server.world.release(gate);
    for (const answer of await Promise.all(calling)) {
      expect(answer).toMatchObject({ status: 200, messages: [{ result: { content: [{}] } }] });
    }
    expect(await leaver.ended).toBe(0);
    // It had some of them, and the server is told of their end.
    expect(world.server.server.openSessions).toBeLessThan(before);
  });

  it('keeps what its clients follow, and ends their streams so that they come back', async () => {
    const client = await world.initialize(leaver);
    await client.request(second, 'resources/subscribe', { uri: WATCHED });
    const stream = new EventReader(await client.stream(second));
    const opened = await stream.next();
    await leave(leaver);
    await stream.rest();
    const again = new EventReader(await client.stream(third, opened?.id));
    world.server.server.world.touch(WATCHED);
    expect(await again.message()).toMatchObject({
      method: 'notifications/resources/updated',
      params: { uri: WATCHED },
    });
  });

  it('is gone at once, for good: what it could not give away is unknown', async () => {
    const client = await world.initialize(leaver);
    const others = [second, third];
    for (const worker of others) await leave(worker);
    await leave(leaver);
    const fresh = await world.cluster.addWorker();
    expect((await client.ask(fresh, 'nobody')).status).toBe(GONE);
    expect((await world.initialize(fresh)).session).not.toBe(client.session);
  });
});

describe('readiness', () => {
  it('is denied as soon as the worker is told to leave, while calls are still in flight', async () => {
    const client = await world.initialize(leaver);
    const calling = inFlight(client, leaver, 'last');
    await world.server.arrived('last');
    leaver.kill('SIGTERM');
    await until(async () => (await fetch(`${leaver.url}/health/ready`).catch(() => undefined))?.status !== 200);
    world.server.server.world.release(gate);
    expect(textOf(await calling).join()).toContain(`released ${gate}`);
    expect(await leaver.ended).toBe(0);
  });
});

/** A call that the server holds until the gate is released. */
const inFlight = async (client: RoamingClient, worker: ClusterWorker, mark: string) =>
  read(await client.post(worker, callOf(mark, 'hold', { key: gate })));

/** The same of a client without a session, whose principal is nobody else's: who has its connection is up to chance. */
async function callAlone(worker: ClusterWorker, mark: string) {
  const token = await world.cluster.token({ subject: mark });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify(callOf(mark, 'hold', { key: gate }));
  return read(await fetch(`${worker.url}/servers/ref/rpc`, { method: 'POST', headers, body }));
}
