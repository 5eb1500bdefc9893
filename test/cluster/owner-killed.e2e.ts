/** @waits */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, threeRunning, timed, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import { nextMessage, type ReadAnswer, type RoamingClient } from '../support/roaming-client.js';

const NOT_EXECUTED = { error: { code: -31_001, data: { outcome: 'not_executed', retriable: true } } };
const OUTCOME_UNKNOWN = { error: { code: -31_002, data: { outcome: 'unknown', retriable: false } } };
const SESSION_UNKNOWN = { error: { code: -32_600, message: 'Session not found. Initialize a new one.' } };

/** The promised limits; doubled, because several processes share few cores. */
const REFUSED_WITHIN_MS = scaleDeadline(2 * 600);
const KNOWN_DEAD_WITHIN_MS = scaleDeadline(2 * 7_000);

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

/** Kills the worker and waits until its process has ended. */
async function kill(worker: ClusterWorker): Promise<void> {
  worker.kill('SIGKILL');
  await worker.ended;
}

/** Calls until the answer is not 503 any more. Returns that answer and the ones before it. */
async function callUntilFinal(client: RoamingClient, worker: ClusterWorker, mark: string) {
  const before: ReadAnswer[] = [];
  for (let turn = 0; ; turn += 1) {
    const answer = await client.callAndRead(worker, `${mark} ${turn}`);
    if (answer.status !== 503) return { before, last: answer, marks: turn + 1 };
    before.push(answer);
  }
}

async function initializeUntilAccepted(worker: ClusterWorker): Promise<RoamingClient> {
  for (;;) {
    const client = await world.initialize(worker).catch(() => undefined);
    if (client) return client;
  }
}

/** The number of calls of `callUntilFinal` that reached the server. */
const arrivalsOf = (mark: string, marks: number) =>
  Array.from({ length: marks }, (_, turn) => world.server.arrivals(`${mark} ${turn}`)).reduce((a, b) => a + b, 0);

describe('a session whose owner was killed', () => {
  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('is answered 503 at first, 404 within seconds, and stays lost', async () => {
    const client = await world.initialize(owner);
    expect(await client.callAndRead(other, 'in time')).toMatchObject({ status: 200 });
    await kill(owner);
    const first = await timed(() => client.callAndRead(other, 'too late'));
    expect(first.value).toMatchObject({ status: 503, messages: [{ id: 'too late', ...NOT_EXECUTED }] });
    expect(first.ms).toBeLessThan(REFUSED_WITHIN_MS);
    expect(await client.notify(third, 'notifications/roots/list_changed')).toMatchObject({ status: 503 });

    const fresh = await world.initialize(other);
    expect(await fresh.callAndRead(third, 'of the new session')).toMatchObject({ status: 200 });

    const final = await timed(() => callUntilFinal(client, other, 'again'));
    const { before, last, marks } = final.value;
    for (const { messages } of before) expect(messages).toMatchObject([NOT_EXECUTED]);
    expect(last).toMatchObject({ status: 404, messages: [SESSION_UNKNOWN] });
    expect(first.ms + final.ms).toBeLessThan(KNOWN_DEAD_WITHIN_MS);

    // Each worker detects the dead owner by itself.
    expect((await callUntilFinal(client, third, 'again')).last).toMatchObject({ status: 404 });
    for (const worker of [other, third]) {
      expect(await client.callAndRead(worker, 'for ever')).toMatchObject({ status: 404 });
      expect(await client.notify(worker, 'notifications/roots/list_changed')).toMatchObject({ status: 404 });
      expect((await client.stream(worker)).status).toBe(404);
      expect((await client.end(worker)).status).toBe(404);
    }
    expect(world.server.arrivals('too late') + arrivalsOf('again', marks) + world.server.arrivals('for ever')).toBe(0);
  });

  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('is unknown to the worker that replaces the owner on the same port', async () => {
    const client = await world.initialize(owner);
    await kill(owner);
    const replacement = await world.cluster.addWorker({ ISTHMUS_PORT: new URL(owner.url).port });
    expect(replacement.url).toBe(owner.url);
    const { last, marks } = await callUntilFinal(client, replacement, 'again');
    expect(last).toMatchObject({ status: 404, messages: [SESSION_UNKNOWN] });
    expect((await callUntilFinal(client, other, 'elsewhere')).last).toMatchObject({ status: 404 });
    expect(arrivalsOf('again', marks) + arrivalsOf('elsewhere', marks)).toBe(0);
    // Until the list of live workers is read again, the connection for the handshake may be assigned to the dead worker.
    const fresh = await initializeUntilAccepted(replacement);
    expect(await fresh.callAndRead(other, 'of the new session')).toMatchObject({ status: 200 });
  });

  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('answers its in-flight call once, with an unknown outcome, and the call ran once', async () => {
    const client = await world.initialize(owner);
    const stream = await client.openStream(other, 'in flight', 'hold', { key: 'in flight' });
    expect(await stream.message()).toMatchObject({ method: 'notifications/progress' });
    const { value, ms } = await timed(async () => {
      await kill(owner);
      return stream.rest();
    });
    expect(value).toMatchObject([{ id: 'in flight', ...OUTCOME_UNKNOWN }]);
    expect(ms).toBeLessThan(KNOWN_DEAD_WITHIN_MS);
    expect(world.server.arrivals('in flight')).toBe(1);
  });

  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('answers a call that waits for its client with an unknown outcome', async () => {
    const client = await world.initialize(owner, { capabilities: { elicitation: {} } });
    const stream = await client.openStream(other, 'asking', 'ask_name');
    const question = await stream.message();
    expect(question).toMatchObject({ method: 'elicitation/create' });
    await kill(owner);
    const answer = { jsonrpc: '2.0', id: question['id'] ?? null, result: { action: 'decline' } };
    const { value, ms } = await timed(async () => {
      const posted = await client.post(third, answer);
      return { status: posted.status, rest: await stream.rest() };
    });
    expect(value.status).toBe(503);
    expect(value.rest).toMatchObject([{ id: 'asking', ...OUTCOME_UNKNOWN }]);
    expect(ms).toBeLessThan(KNOWN_DEAD_WITHIN_MS);
    expect(world.server.arrivals('asking')).toBe(1);
  });

  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('closes its GET stream, so that the client reconnects', async () => {
    const client = await world.initialize(owner);
    const stream = new EventReader(await client.stream(other));
    const { value, ms } = await timed(async () => {
      await kill(owner);
      return stream.rest();
    });
    expect(value).toEqual([]);
    expect(ms).toBeLessThan(KNOWN_DEAD_WITHIN_MS);
  });
});

describe('a call whose ingress worker was killed', () => {
  it('continues at the owner, runs once, and delivers its answer when the client resumes at another worker', async () => {
    const client = await world.initialize(owner);
    const begun = await client.openStream(other, 'survivor', 'hold', { key: 'survivor' });
    const first = await nextMessage(begun);
    expect(first).toMatchObject({ message: { method: 'notifications/progress' } });
    await kill(other);
    world.server.server.world.release('survivor');
    const resumed = new EventReader(await client.stream(third, first.id));
    expect(resumed.response.status).toBe(200);
    expect(await resumed.rest()).toMatchObject([
      { id: 'survivor', result: { content: [{ text: 'released survivor' }] } },
    ]);
    expect(world.server.arrivals('survivor')).toBe(1);
  });
});
