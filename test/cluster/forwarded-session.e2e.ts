/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, threeOf, timed, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import { callOf, read } from '../support/roaming-client.js';
import { until } from '../support/until.js';

const WATCHED = 'test://watched-resource';
const GONE = { error: { code: -32_600, message: 'Session not found. Initialize a new one.' } };

let world: ClusterWorld;
let owner: ClusterWorker;
let other: ClusterWorker;
let third: ClusterWorker;

beforeAll(async () => {
  world = await startClusterWorld(3);
  [owner, other, third] = threeOf(world);
});

afterAll(() => world.close());

/** Reads on until a message of this method came. */
async function heard(stream: EventReader, method: string): Promise<JsonObject> {
  for (;;) {
    const message = await stream.message();
    if (message['method'] === method) return message;
  }
}

describe('a session that another worker owns', () => {
  it('takes calls at once and at every worker, and each reaches the server once', async () => {
    const client = await world.initialize(owner);
    for (const [mark, worker] of Object.entries({ atOwner: owner, atOther: other, atThird: third })) {
      const { status, messages } = await client.ask(worker, mark);
      expect(status).toBe(200);
      expect(messages).toMatchObject([{ id: mark, result: { content: [{ text: mark }] } }]);
      expect(world.server.arrivals(mark)).toBe(1);
    }
    expect(await client.request(other, 'tools/list')).toMatchObject({ status: 200 });
    expect(await client.request(other, 'ping')).toMatchObject({ messages: [{ result: {} }] });
  });

  it('passes progress on as it comes, before the answer', async () => {
    const client = await world.initialize(owner);
    const stream = await client.begin(other, 'progressing', 'hold', { key: 'progressing' });
    const progress = { method: 'notifications/progress', params: { progressToken: 'of progressing', progress: 0 } };
    expect(await stream.message()).toMatchObject(progress);
    world.server.server.world.release('progressing');
    const answer = { id: 'progressing', result: { content: [{ text: 'released progressing' }] } };
    expect(await stream.rest()).toMatchObject([answer]);
  });

  it('asks its client, who answers at a third worker', async () => {
    const client = await world.initialize(owner, { capabilities: { elicitation: {} } });
    const stream = await client.begin(other, 'asking', 'ask_name');
    const question = await stream.message();
    expect(question).toMatchObject({ method: 'elicitation/create' });
    const result = { action: 'accept', content: { name: 'Ada' } };
    const answer = { jsonrpc: '2.0', id: question['id'] ?? null, result };
    expect((await client.post(third, answer)).status).toBe(202);
    expect(await stream.rest()).toMatchObject([{ id: 'asking', result: { content: [{ text: 'accept: Ada' }] } }]);
    expect(world.server.arrivals('asking')).toBe(1);
  });

  it('takes notifications, answered 202', async () => {
    const client = await world.initialize(owner);
    expect(await client.notify(other, 'notifications/initialized')).toEqual({ status: 202, messages: [] });
    expect(await client.notify(other, 'notifications/roots/list_changed')).toEqual({ status: 202, messages: [] });
  });

  it.each([
    ['a third worker', () => third],
    ['its owner', () => owner],
    ['the worker that took the call', () => other],
  ])('has a call cancelled from %s: the server sees it within 250 ms', async (where, worker) => {
    const client = await world.initialize(owner);
    const id = `cancelled from ${where}`;
    const { calls } = world.server.server;
    const before = calls.of('hold').cancelled;
    void client.call(other, id, 'hold', { key: id }).then(read);
    await world.server.arrived(id);
    const { ms } = await timed(async () => {
      expect(await client.notify(worker(), 'notifications/cancelled', { requestId: id })).toMatchObject({
        status: 202,
      });
      await calls.until('hold', 'cancelled', before + 1);
    });
    expect(ms).toBeLessThan(scaleDeadline(2 * 250));
    expect(world.server.arrivals(id)).toBe(1);
  });

  it('tells of changes on the stream that its client opened at another worker', async () => {
    const client = await world.initialize(owner);
    const opened = await client.stream(other);
    expect(opened.status).toBe(200);
    const stream = new EventReader(opened);
    // The server's own stream opens beside the call, and what happens before goes unheard: so change until heard.
    await client.ask(owner, 'first of the stream');
    const list = heard(stream, 'notifications/tools/list_changed');
    let isHeard = false;
    void list.then(() => (isHeard = true));
    await until(async () => {
      await client.ask(third, 'change', 'change_tools');
      return isHeard;
    });
    expect(await list).toMatchObject({ jsonrpc: '2.0' });
    await stream.leave();
  });

  it('subscribes to a resource through one worker and hears of it at another', async () => {
    const client = await world.initialize(owner);
    const stream = new EventReader(await client.stream(third));
    expect(await client.request(other, 'resources/subscribe', { uri: WATCHED })).toMatchObject({
      messages: [{ result: {} }],
    });
    const told = heard(stream, 'notifications/resources/updated');
    let isTold = false;
    void told.then(() => (isTold = true));
    await until(async () => {
      await client.ask(other, 'touch', 'touch_resource');
      return isTold;
    });
    expect(await told).toMatchObject({ params: { uri: WATCHED } });
    expect(await client.request(other, 'resources/unsubscribe', { uri: WATCHED })).toMatchObject({
      messages: [{ result: {} }],
    });
    await stream.leave();
  });

  it('logs as loud as it was told at another worker', async () => {
    const client = await world.initialize(owner);
    expect(await client.request(other, 'logging/setLevel', { level: 'critical' })).toMatchObject({
      messages: [{ result: {} }],
    });
    const { messages } = await client.ask(third, 'logging', 'log_at_levels', {});
    const levels = messages.filter(({ method }) => method === 'notifications/message').map(({ params }) => params);
    expect(levels).toMatchObject([{ level: 'critical' }, { level: 'alert' }, { level: 'emergency' }]);
    expect(messages.at(-1)).toMatchObject({ id: 'logging', result: { content: [{ text: 'logged at 8 levels' }] } });
  });

  it('takes batches of the revision that has them', async () => {
    const client = await world.initialize(owner, { revision: '2025-03-26' });
    const cancelled = { jsonrpc: '2.0', method: 'notifications/roots/list_changed' };
    const batch = [callOf('one', 'echo', { text: 'one' }), cancelled, callOf('two', 'echo', { text: 'two' })];
    const { status, messages } = await read(await client.post(other, batch));
    expect(status).toBe(200);
    const answerOf = (id: string) => expect.objectContaining({ id, result: { content: [{ type: 'text', text: id }] } });
    expect(messages).toHaveLength(2);
    expect(messages).toEqual(expect.arrayContaining([answerOf('one'), answerOf('two')]));
    expect([world.server.arrivals('one'), world.server.arrivals('two')]).toEqual([1, 1]);
    expect(await read(await client.post(other, [cancelled, cancelled]))).toEqual({ status: 202, messages: [] });
  });

  it('ends with a DELETE at another worker: 404 everywhere afterwards', async () => {
    const client = await world.initialize(owner);
    await client.ask(other, 'before its end');
    expect((await client.end(other)).status).toBe(204);
    for (const worker of [owner, other, third]) {
      expect(await client.ask(worker, 'after its end')).toMatchObject({ status: 404, messages: [GONE] });
      expect(await client.request(worker, 'ping')).toMatchObject({ status: 404, messages: [GONE] });
      expect(await client.notify(worker, 'notifications/initialized')).toMatchObject({ status: 404 });
      expect((await client.stream(worker)).status).toBe(404);
      expect((await client.end(worker)).status).toBe(404);
    }
    expect(world.server.arrivals('after its end')).toBe(0);
  });

  it('serves many calls at once, each of them once', async () => {
    const client = await world.initialize(owner);
    const marks = Array.from({ length: 20 }, (_, index) => `burst ${index}`);
    const answers = await Promise.all(marks.map((mark) => client.ask(other, mark)));
    expect(answers.map(({ messages }) => messages.at(-1)?.['id'])).toEqual(marks);
    expect(marks.map((mark) => world.server.arrivals(mark))).toEqual(marks.map(() => 1));
  });
});
