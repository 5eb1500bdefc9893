/** @waits */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, threeRunning, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import type { StreamedEvent } from '../support/events-in.js';
import { nextMessage, type RoamingClient } from '../support/roaming-client.js';

const WATCHED = 'test://watched-resource';
const UPDATED = { method: 'notifications/resources/updated', params: { uri: WATCHED } };

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

/** Resumes a stream until the answer is not 503 any more. */
async function comeBack(
  client: RoamingClient,
  worker: ClusterWorker,
  lastEventId: string | undefined,
): Promise<EventReader> {
  if (lastEventId === undefined) throw new Error('The event was not stored.');
  for (;;) {
    const answer = await client.stream(worker, lastEventId);
    if (answer.status !== 503) return new EventReader(answer);
    await answer.text();
  }
}

/** Opens the GET stream at a worker and receives three updates over it. */
async function threeUpdates(client: RoamingClient) {
  await client.request(owner, 'resources/subscribe', { uri: WATCHED });
  const events = new EventReader(await client.stream(other));
  const updates: StreamedEvent[] = [];
  for (const mark of ['one', 'two', 'three']) {
    await client.callAndRead(third, mark, 'touch_resource', {});
    updates.push(await nextMessage(events));
  }
  expect(updates.map(({ message }) => message)).toMatchObject([UPDATED, UPDATED, UPDATED]);
  return { events, ids: updates.map(({ id }) => id) };
}

describe('a client that resumes a stream at another worker', () => {
  it('receives the remaining messages of its call', async () => {
    const client = await world.initialize(owner);
    const cut = new AbortController();
    const begun = await client.openStream(other, 'cut', 'hold', { key: 'cut' }, cut.signal);
    const { id } = await nextMessage(begun);
    cut.abort();
    const resumed = await comeBack(client, third, id);
    world.server.server.world.release('cut');
    expect(await resumed.rest()).toMatchObject([{ id: 'cut', result: { content: [{ text: 'released cut' }] } }]);
    const again = await comeBack(client, owner, id);
    expect(await again.rest()).toMatchObject([{ id: 'cut', result: { content: [{ text: 'released cut' }] } }]);
    expect(world.server.arrivals('cut')).toBe(1);
  });

  it('receives the missed and all later events of the GET stream', async () => {
    const client = await world.initialize(owner);
    const { ids } = await threeUpdates(client);
    const resumed = new EventReader(await client.stream(third, ids[0]));
    expect([(await nextMessage(resumed)).id, (await nextMessage(resumed)).id]).toEqual(ids.slice(1));
    await client.callAndRead(other, 'four', 'touch_resource', {});
    expect(await nextMessage(resumed)).toMatchObject({ message: UPDATED });
  });

  it('receives 404 when a missed event is not stored any more', async () => {
    const client = await world.initialize(owner);
    for (const id of ['999-999', 'nonsense']) {
      for (const worker of [owner, other]) {
        const refused = await client.stream(worker, id);
        expect(refused.status).toBe(400);
        expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining('Last-Event-ID') } });
      }
    }
  });
});

describe('a client that resumes a stream after the session owner was killed', () => {
  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('receives the stored messages of its call, and an unknown outcome', async () => {
    const client = await world.initialize(owner);
    const events = await client.openStream(other, 'open', 'slow', { durationMs: 100_000, steps: 1_000 });
    const [first, second] = [await nextMessage(events), await nextMessage(events)];
    owner.kill('SIGKILL');
    await owner.ended;
    const resumed = await comeBack(client, third, first.id);
    expect(resumed.response.status).toBe(200);
    const messages = await resumed.rest();
    expect(messages[0]).toEqual(second.message);
    const answers = messages.filter((message) => 'id' in message);
    expect(answers).toMatchObject([{ id: 'open', error: { code: -31_002, data: { outcome: 'unknown' } } }]);
    expect(messages.at(-1)).toBe(answers[0]);
    expect(world.server.arrivals('open')).toBe(1);
    expect(await client.callAndRead(third, 'after')).toMatchObject({ status: 404 });
    expect((await client.stream(third)).status).toBe(404);
  });

  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('receives the answer of its call when the answer was stored', async () => {
    const client = await world.initialize(owner);
    const events = await client.openStream(other, 'done', 'slow', { durationMs: 50, steps: 2 });
    const first = await nextMessage(events);
    while ('method' in (await nextMessage(events)).message);
    owner.kill('SIGKILL');
    await owner.ended;
    const resumed = await comeBack(client, third, first.id);
    expect(resumed.response.status).toBe(200);
    const messages = await resumed.rest();
    expect(messages.at(-1)).toMatchObject({ id: 'done', result: { content: [{ text: 'done after 2 steps' }] } });
    expect(messages.filter((message) => 'id' in message)).toHaveLength(1);
  });

  // About 8 s: a killed worker is considered dead only when its presence has expired.
  it('receives the missed events of the GET stream without a gap', async () => {
    const client = await world.initialize(owner);
    const { ids } = await threeUpdates(client);
    owner.kill('SIGKILL');
    await owner.ended;
    const resumed = await comeBack(client, third, ids[0]);
    expect(resumed.response.status).toBe(200);
    await resumed.rest();
    expect(resumed.events.filter(({ data }) => data !== '').map(({ id }) => id)).toEqual(ids.slice(1));
  });
});
