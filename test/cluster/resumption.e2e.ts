/** @waits */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, threeRunning, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import type { StreamedEvent } from '../support/events-in.js';
import { nextOf, type RoamingClient } from '../support/roaming-client.js';

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

/** Comes back for a stream again and again until the worker says more than "not now". */
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

/** Opens the standing stream at a worker and has three updates come over it. */
async function threeUpdates(client: RoamingClient) {
  await client.request(owner, 'resources/subscribe', { uri: WATCHED });
  const events = new EventReader(await client.stream(other));
  const updates: StreamedEvent[] = [];
  for (const mark of ['one', 'two', 'three']) {
    await client.ask(third, mark, 'touch_resource', {});
    updates.push(await nextOf(events));
  }
  expect(updates.map(({ message }) => message)).toMatchObject([UPDATED, UPDATED, UPDATED]);
  return { events, ids: updates.map(({ id }) => id) };
}

describe('a client that comes back for a stream at another worker', () => {
  it('gets the rest of its call', async () => {
    const client = await world.initialize(owner);
    const cut = new AbortController();
    const begun = await client.begin(other, 'cut', 'hold', { key: 'cut' }, cut.signal);
    const { id } = await nextOf(begun);
    cut.abort();
    const resumed = await comeBack(client, third, id);
    world.server.server.world.release('cut');
    expect(await resumed.rest()).toMatchObject([{ id: 'cut', result: { content: [{ text: 'released cut' }] } }]);
    const again = await comeBack(client, owner, id);
    expect(await again.rest()).toMatchObject([{ id: 'cut', result: { content: [{ text: 'released cut' }] } }]);
    expect(world.server.arrivals('cut')).toBe(1);
  });

  it('gets what it missed of the standing stream, and what follows', async () => {
    const client = await world.initialize(owner);
    const { ids } = await threeUpdates(client);
    const resumed = new EventReader(await client.stream(third, ids[0]));
    expect([(await nextOf(resumed)).id, (await nextOf(resumed)).id]).toEqual(ids.slice(1));
    await client.ask(other, 'four', 'touch_resource', {});
    expect(await nextOf(resumed)).toMatchObject({ message: UPDATED });
  });

  it('is refused where it would miss something', async () => {
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

describe('a client that comes back for a stream after the owner was killed', () => {
  it('is told all that was stored of its call, and that its outcome is unknown', async () => {
    const client = await world.initialize(owner);
    const events = await client.begin(other, 'open', 'slow', { durationMs: 100_000, steps: 1_000 });
    const [first, second] = [await nextOf(events), await nextOf(events)];
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
    expect(await client.ask(third, 'after')).toMatchObject({ status: 404 });
    expect((await client.stream(third)).status).toBe(404);
  });

  it('is given the answer of its call where that was stored', async () => {
    const client = await world.initialize(owner);
    const events = await client.begin(other, 'done', 'slow', { durationMs: 50, steps: 2 });
    const first = await nextOf(events);
    while ('method' in (await nextOf(events)).message);
    owner.kill('SIGKILL');
    await owner.ended;
    const resumed = await comeBack(client, third, first.id);
    expect(resumed.response.status).toBe(200);
    const messages = await resumed.rest();
    expect(messages.at(-1)).toMatchObject({ id: 'done', result: { content: [{ text: 'done after 2 steps' }] } });
    expect(messages.filter((message) => 'id' in message)).toHaveLength(1);
  });

  it('is told what it missed of the standing stream, and nothing is skipped', async () => {
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
