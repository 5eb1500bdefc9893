/** @waits */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, threeRunning, timed, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import { toolCall, nextMessage, read, type ReadAnswer, type RoamingClient } from '../support/roaming-client.js';

const NOT_EXECUTED = { error: { code: -31_001, data: { outcome: 'not_executed', retriable: true } } };
const OUTCOME_UNKNOWN = { error: { code: -31_002, data: { outcome: 'unknown', retriable: false } } };
const ROOTS_CHANGED = 'notifications/roots/list_changed';

const SHORT_PAUSE_MS = 2_000;
/** Longer than the time without a heartbeat after which a worker is considered dead. */
const LONG_PAUSE_MS = 20_000;
/** Half a second without an acceptance, plus the round trip to Redis; doubled, because several processes share few cores. */
const REFUSED_WITHIN_MS = scaleDeadline(2 * 1_200);

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

interface Refused {
  readonly mark: string;
  readonly answer: ReadAnswer;
  readonly ms: number;
}

/** Pauses the owner, and calls through another worker for as long. */
async function callsDuringPause(client: RoamingClient, pauseMs: number): Promise<Refused[]> {
  const calls: Refused[] = [];
  owner.kill('SIGSTOP');
  const begun = performance.now();
  while (performance.now() - begun < pauseMs) {
    const mark = `during the pause ${calls.length}`;
    const { value, ms } = await timed(() => client.callAndRead(other, mark));
    calls.push({ mark, answer: value, ms });
  }
  return calls;
}

/** Calls until the worker serves the session again. Earlier messages have reached it by then. */
async function served(client: RoamingClient, worker: ClusterWorker): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const { status } = await client.callAndRead(worker, `after the pause at ${worker.url} ${turn}`);
    if (status === 200) return;
    expect(status).toBe(503);
  }
}

/** Calls until the answer is final: the worker does not listen while it restarts. */
async function callUntilFinal(client: RoamingClient, worker: ClusterWorker, mark: string): Promise<ReadAnswer> {
  for (;;) {
    const answer = await client.callAndRead(worker, mark).catch(() => undefined);
    if (answer && answer.status !== 503) return answer;
  }
}

const arrivalsOf = (marks: readonly string[]): string[] => marks.filter((mark) => world.server.arrivals(mark) > 0);

describe('a session owner that is paused for two seconds', () => {
  // About 5 s: the owner is paused for two seconds, and every call meanwhile waits for its timeout.
  it('causes 503 for calls at other workers in time, and runs none of them after the pause', async () => {
    const client = await world.initialize(owner);
    await client.callAndRead(other, 'before');
    const calls = await callsDuringPause(client, SHORT_PAUSE_MS);
    for (const { mark, answer, ms } of calls) {
      expect(answer).toMatchObject({ status: 503, messages: [{ id: mark, ...NOT_EXECUTED }] });
      expect(ms).toBeLessThan(REFUSED_WITHIN_MS);
    }
    expect(calls.length).toBeGreaterThan(0);
    owner.kill('SIGCONT');
    await served(client, other);
    await served(client, owner);
    expect(arrivalsOf(calls.map(({ mark }) => mark))).toEqual([]);
    expect(world.server.duplicates()).toEqual([]);
  });

  it('causes 503 for notifications, answers and DELETE requests too, and none of them takes effect after the pause', async () => {
    const client = await world.initialize(owner, { capabilities: { elicitation: {} } });
    const held = await client.openStream(other, 'held', 'hold', { key: 'held' });
    await world.server.arrived('held');
    const asking = await client.openStream(other, 'asking', 'ask_name');
    const question = await asking.message();
    expect(question).toMatchObject({ method: 'elicitation/create' });
    const answer = {
      jsonrpc: '2.0',
      id: question['id'] ?? null,
      result: { action: 'accept', content: { name: 'Ada' } },
    };

    owner.kill('SIGSTOP');
    const refused = await Promise.all([
      client.notify(other, ROOTS_CHANGED),
      client.notify(third, 'notifications/cancelled', { requestId: 'held' }),
      client.post(third, { ...answer, result: { action: 'decline' } }).then(read),
      client.end(other).then(read),
    ]);
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    expect(refused.map(({ messages }) => messages)).toMatchObject(refused.map(() => [NOT_EXECUTED]));
    owner.kill('SIGCONT');

    await served(client, third);
    expect((await client.post(third, answer)).status).toBe(202);
    expect(await asking.rest()).toMatchObject([{ id: 'asking', result: { content: [{ text: 'accept: Ada' }] } }]);
    world.server.server.world.release('held');
    expect((await held.rest()).at(-1)).toMatchObject({ id: 'held', result: { content: [{ text: 'released held' }] } });
    expect(world.server.duplicates()).toEqual([]);
  });

  // About 5 s: the owner is paused for two seconds.
  it('answers its in-flight call after the pause', async () => {
    const client = await world.initialize(owner);
    const stream = await client.openStream(other, 'in flight, briefly', 'hold', { key: 'in flight, briefly' });
    await stream.message();
    await callsDuringPause(client, SHORT_PAUSE_MS);
    world.server.server.world.release('in flight, briefly');
    owner.kill('SIGCONT');
    expect(await stream.rest()).toMatchObject([
      { id: 'in flight, briefly', result: { content: [{ text: 'released in flight, briefly' }] } },
    ]);
    expect(world.server.arrivals('in flight, briefly')).toBe(1);
  });
});

describe('a session owner that was paused until it was considered dead', () => {
  // About 22 s: the owner is paused for 20 s, far longer than its presence lifetime.
  it('never serves its sessions again, not even to clients that connect to it directly', async () => {
    const client = await world.initialize(owner);
    await client.callAndRead(other, 'before');
    const calls = await callsDuringPause(client, LONG_PAUSE_MS);
    const firstFinal = calls.findIndex(({ answer }) => answer.status !== 503);
    expect(firstFinal).toBeGreaterThan(0);
    for (const { answer, ms } of calls.slice(0, firstFinal)) {
      expect(answer).toMatchObject({ status: 503, messages: [NOT_EXECUTED] });
      expect(ms).toBeLessThan(REFUSED_WITHIN_MS);
    }
    expect(calls.slice(firstFinal).filter(({ answer }) => answer.status !== 404)).toEqual([]);

    // This call is already connected when the owner resumes, before the owner can know that it was fenced.
    const early = client.callAndRead(owner, 'at the door').then(
      ({ status }) => status,
      () => 'cut',
    );
    owner.kill('SIGCONT');
    // A worker that was declared dead restarts, and closes the connections of waiting clients.
    expect([404, 'cut']).toContain(await early);
    for (const worker of [owner, other, third]) {
      expect(await callUntilFinal(client, worker, 'for ever')).toMatchObject({ status: 404 });
    }
    const marks = [...calls.map(({ mark }) => mark), 'at the door', 'for ever'];
    expect(arrivalsOf(marks)).toEqual([]);
    expect(world.server.duplicates()).toEqual([]);
  });

  // About 22 s: the same pause, with a call in flight.
  it('causes one answer with an unknown outcome for its in-flight call', async () => {
    const client = await world.initialize(owner);
    const stream = await client.openStream(other, 'in flight, for long', 'hold', { key: 'in flight, for long' });
    await stream.message();
    const calls = await callsDuringPause(client, LONG_PAUSE_MS);
    expect(calls.at(-1)?.answer.status).toBe(404);
    world.server.server.world.release('in flight, for long');
    owner.kill('SIGCONT');
    expect(await stream.rest()).toMatchObject([{ id: 'in flight, for long', ...OUTCOME_UNKNOWN }]);
    expect(await callUntilFinal(client, owner, 'after')).toMatchObject({ status: 404 });
    expect(world.server.arrivals('in flight, for long')).toBe(1);
    expect(world.server.duplicates()).toEqual([]);
  });
});

describe('an ingress worker that is paused during a call', () => {
  it('loses neither the call nor its answer', async () => {
    const client = await world.initialize(owner);
    const stream = await client.openStream(other, 'in flight elsewhere', 'hold', { key: 'in flight elsewhere' });
    const { id } = await nextMessage(stream);
    other.kill('SIGSTOP');
    const resumed = new EventReader(await client.stream(third, id));
    expect(resumed.response.status).toBe(200);
    world.server.server.world.release('in flight elsewhere');
    const answer = { id: 'in flight elsewhere', result: { content: [{ text: 'released in flight elsewhere' }] } };
    expect(await resumed.rest()).toMatchObject([answer]);
    other.kill('SIGCONT');
    // The client has given up its first connection and has resumed over another worker.
    expect(await stream.rest()).toEqual([]);
    expect(world.server.arrivals('in flight elsewhere')).toBe(1);
  });
});

describe('an HTTP+SSE session whose owner is paused', () => {
  it('accepts no message at other workers, and runs none of them later', async () => {
    const headers = { authorization: `Bearer ${await world.cluster.token()}`, 'content-type': 'application/json' };
    const opened = await fetch(`${owner.url}/servers/ref/sse`, {
      headers: { ...headers, accept: 'text/event-stream' },
    });
    // The first event contains the URL to post messages to.
    const inbox = (await new EventReader(opened).next())?.data ?? '';
    const post = (body: object) =>
      fetch(`${other.url}${inbox}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'sse', version: '1.0.0' } };
    expect((await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })).status).toBe(202);
    owner.kill('SIGSTOP');
    const refused = await post(toolCall('during the pause', 'echo', { text: 'x' }));
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject(NOT_EXECUTED);
    owner.kill('SIGCONT');
    let turn = 0;
    while ((await post(toolCall(`after the pause ${turn}`, 'echo', { text: 'x' }))).status !== 202) turn += 1;
    await world.server.arrived(`after the pause ${turn}`);
    expect(world.server.arrivals('during the pause')).toBe(0);
    expect(world.server.duplicates()).toEqual([]);
  });
});
