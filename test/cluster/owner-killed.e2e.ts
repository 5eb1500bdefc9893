/** @waits */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, threeRunning, timed, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import { nextOf, type ReadAnswer, type RoamingClient } from '../support/roaming-client.js';

const NOT_EXECUTED = { error: { code: -31_001, data: { outcome: 'not_executed', retriable: true } } };
const OUTCOME_UNKNOWN = { error: { code: -31_002, data: { outcome: 'unknown', retriable: false } } };
const SESSION_UNKNOWN = { error: { code: -32_600, message: 'Session not found. Initialize a new one.' } };

/** The figures of the promises, twice: several processes share few cores here. */
const REFUSED_WITHIN_MS = scaleDeadline(2 * 600);
const TOLD_WITHIN_MS = scaleDeadline(2 * 7_000);

let world: ClusterWorld;
let owner: ClusterWorker;
let other: ClusterWorker;
let third: ClusterWorker;

beforeAll(async () => {
  world = await startClusterWorld(3);
});

beforeEach(async () => {
  [owner, other, third] = await threeRunning(world);
});

afterAll(() => world.close());

/** The killed worker is not there any more when this resolves. */
async function killed(worker: ClusterWorker): Promise<void> {
  worker.kill('SIGKILL');
  await worker.ended;
}

/** Calls again and again until something else than "not now" comes. Says what came until then, and what came at last. */
async function askUntilTold(client: RoamingClient, worker: ClusterWorker, mark: string) {
  const before: ReadAnswer[] = [];
  for (let turn = 0; ; turn += 1) {
    const answer = await client.ask(worker, `${mark} ${turn}`);
    if (answer.status !== 503) return { before, last: answer, marks: turn + 1 };
    before.push(answer);
  }
}

async function initializedInTheEnd(worker: ClusterWorker): Promise<RoamingClient> {
  for (;;) {
    const client = await world.initialize(worker).catch(() => undefined);
    if (client) return client;
  }
}

/** What reached the server of the calls of `askUntilTold`. */
const arrivalsOf = (mark: string, marks: number) =>
  Array.from({ length: marks }, (_, turn) => world.server.arrivals(`${mark} ${turn}`)).reduce((a, b) => a + b, 0);

describe('a session whose owner was killed', () => {
  it('is refused at once, is gone soon, and never comes back', async () => {
    const client = await world.initialize(owner);
    expect(await client.ask(other, 'in time')).toMatchObject({ status: 200 });
    await killed(owner);
    const first = await timed(() => client.ask(other, 'too late'));
    expect(first.value).toMatchObject({ status: 503, messages: [{ id: 'too late', ...NOT_EXECUTED }] });
    expect(first.ms).toBeLessThan(REFUSED_WITHIN_MS);
    expect(await client.notify(third, 'notifications/roots/list_changed')).toMatchObject({ status: 503 });

    const fresh = await world.initialize(other);
    expect(await fresh.ask(third, 'of the new session')).toMatchObject({ status: 200 });

    const told = await timed(() => askUntilTold(client, other, 'again'));
    const { before, last, marks } = told.value;
    for (const { messages } of before) expect(messages).toMatchObject([NOT_EXECUTED]);
    expect(last).toMatchObject({ status: 404, messages: [SESSION_UNKNOWN] });
    expect(first.ms + told.ms).toBeLessThan(TOLD_WITHIN_MS);

    // Each worker finds it out by itself.
    expect((await askUntilTold(client, third, 'again')).last).toMatchObject({ status: 404 });
    for (const worker of [other, third]) {
      expect(await client.ask(worker, 'for ever')).toMatchObject({ status: 404 });
      expect(await client.notify(worker, 'notifications/roots/list_changed')).toMatchObject({ status: 404 });
      expect((await client.stream(worker)).status).toBe(404);
      expect((await client.end(worker)).status).toBe(404);
    }
    expect(world.server.arrivals('too late') + arrivalsOf('again', marks) + world.server.arrivals('for ever')).toBe(0);
  });

  it('is gone at the worker that took its place on the same port too', async () => {
    const client = await world.initialize(owner);
    await killed(owner);
    const heir = await world.cluster.addWorker({ ISTHMUS_PORT: new URL(owner.url).port });
    expect(heir.url).toBe(owner.url);
    const { last, marks } = await askUntilTold(client, heir, 'again');
    expect(last).toMatchObject({ status: 404, messages: [SESSION_UNKNOWN] });
    expect((await askUntilTold(client, other, 'elsewhere')).last).toMatchObject({ status: 404 });
    expect(arrivalsOf('again', marks) + arrivalsOf('elsewhere', marks)).toBe(0);
    // What the handshake learns of the server may be placed at the dead worker until the list of the living is read again.
    const fresh = await initializedInTheEnd(heir);
    expect(await fresh.ask(other, 'of the new session')).toMatchObject({ status: 200 });
  });

  it('has its call answered with an unknown outcome, once, and the call ran once', async () => {
    const client = await world.initialize(owner);
    const stream = await client.begin(other, 'in flight', 'hold', { key: 'in flight' });
    expect(await stream.message()).toMatchObject({ method: 'notifications/progress' });
    const { value, ms } = await timed(async () => {
      await killed(owner);
      return stream.rest();
    });
    expect(value).toMatchObject([{ id: 'in flight', ...OUTCOME_UNKNOWN }]);
    expect(ms).toBeLessThan(TOLD_WITHIN_MS);
    expect(world.server.arrivals('in flight')).toBe(1);
  });

  it('has the call that waits for its client answered with an unknown outcome', async () => {
    const client = await world.initialize(owner, { capabilities: { elicitation: {} } });
    const stream = await client.begin(other, 'asking', 'ask_name');
    const question = await stream.message();
    expect(question).toMatchObject({ method: 'elicitation/create' });
    await killed(owner);
    const answer = { jsonrpc: '2.0', id: question['id'] ?? null, result: { action: 'decline' } };
    const { value, ms } = await timed(async () => {
      const posted = await client.post(third, answer);
      return { status: posted.status, rest: await stream.rest() };
    });
    expect(value.status).toBe(503);
    expect(value.rest).toMatchObject([{ id: 'asking', ...OUTCOME_UNKNOWN }]);
    expect(ms).toBeLessThan(TOLD_WITHIN_MS);
    expect(world.server.arrivals('asking')).toBe(1);
  });

  it('has its standing stream closed, for the client to come back', async () => {
    const client = await world.initialize(owner);
    const stream = new EventReader(await client.stream(other));
    const { value, ms } = await timed(async () => {
      await killed(owner);
      return stream.rest();
    });
    expect(value).toEqual([]);
    expect(ms).toBeLessThan(TOLD_WITHIN_MS);
  });
});

describe('a call whose client reached the owner through a worker that was killed', () => {
  it('goes on, runs once, and gives its answer to the client that comes back elsewhere', async () => {
    const client = await world.initialize(owner);
    const begun = await client.begin(other, 'survivor', 'hold', { key: 'survivor' });
    const first = await nextOf(begun);
    expect(first).toMatchObject({ message: { method: 'notifications/progress' } });
    await killed(other);
    world.server.server.world.release('survivor');
    const resumed = new EventReader(await client.stream(third, first.id));
    expect(resumed.response.status).toBe(200);
    expect(await resumed.rest()).toMatchObject([
      { id: 'survivor', result: { content: [{ text: 'released survivor' }] } },
    ]);
    expect(world.server.arrivals('survivor')).toBe(1);
  });
});
