/** @waits */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, firstThreeWorkers, timed, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import { toolCall, read } from '../support/roaming-client.js';
import { until } from '../support/until.js';

const WATCHED = 'test://watched-resource';
const GONE = { error: { code: -32_600, message: 'Session not found. Initialize a new one.' } };

let world: ClusterWorld;
let owner: ClusterWorker;
let other: ClusterWorker;
let third: ClusterWorker;

beforeAll(async () => {
  world = await startClusterWorld(3);
  [owner, other, third] = firstThreeWorkers(world);
});

afterAll(() => world.close());

/** Reads messages until one of this method arrives. */
async function nextMessageOf(stream: EventReader, method: string): Promise<JsonObject> {
  for (;;) {
    const message = await stream.message();
    if (message['method'] === method) return message;
  }
}

describe('a session that another worker owns', () => {
  it('accepts calls at every worker immediately, and each call reaches the server once', async () => {
    const client = await world.initialize(owner);
    for (const [mark, worker] of Object.entries({ atOwner: owner, atOther: other, atThird: third })) {
      const { status, messages } = await client.callAndRead(worker, mark);
      expect(status).toBe(200);
      expect(messages).toMatchObject([{ id: mark, result: { content: [{ text: mark }] } }]);
      expect(world.server.arrivals(mark)).toBe(1);
    }
    expect(await client.request(other, 'tools/list')).toMatchObject({ status: 200 });
    expect(await client.request(other, 'ping')).toMatchObject({ messages: [{ result: {} }] });
  });

  it('streams progress to the client before the answer', async () => {
    const client = await world.initialize(owner);
    const stream = await client.openStream(other, 'progressing', 'hold', { key: 'progressing' });
    const progress = { method: 'notifications/progress', params: { progressToken: 'of progressing', progress: 0 } };
    expect(await stream.message()).toMatchObject(progress);
    world.server.server.world.release('progressing');
    const answer = { id: 'progressing', result: { content: [{ text: 'released progressing' }] } };
    expect(await stream.rest()).toMatchObject([answer]);
  });

  it('sends a question to its client, which answers at a third worker', async () => {
    const client = await world.initialize(owner, { capabilities: { elicitation: {} } });
    const stream = await client.openStream(other, 'asking', 'ask_name');
    const question = await stream.message();
    expect(question).toMatchObject({ method: 'elicitation/create' });
    const result = { action: 'accept', content: { name: 'Ada' } };
    const answer = { jsonrpc: '2.0', id: question['id'] ?? null, result };
    expect((await client.post(third, answer)).status).toBe(202);
    expect(await stream.rest()).toMatchObject([{ id: 'asking', result: { content: [{ text: 'accept: Ada' }] } }]);
    expect(world.server.arrivals('asking')).toBe(1);
  });

  it('accepts notifications with status 202', async () => {
    const client = await world.initialize(owner);
    expect(await client.notify(other, 'notifications/initialized')).toEqual({ status: 202, messages: [] });
    expect(await client.notify(other, 'notifications/roots/list_changed')).toEqual({ status: 202, messages: [] });
  });

  it('never sends a call without an id to the server, alone or in a batch', async () => {
    const client = await world.initialize(owner, { revision: '2025-03-26' });
    const params = { name: 'echo', arguments: { text: 'x', call: 'without an id' } };
    const hidden = { jsonrpc: '2.0', method: 'tools/call', params };
    for (const worker of [owner, other]) {
      expect(await client.notify(worker, 'tools/call', params)).toEqual({ status: 202, messages: [] });
      expect(await read(await client.post(worker, [hidden, hidden]))).toEqual({ status: 202, messages: [] });
      const call = toolCall('beside', 'echo', { text: 'beside' });
      expect((await read(await client.post(worker, [hidden, call]))).messages).toMatchObject([{ id: 'beside' }]);
    }
    expect([world.server.arrivals('without an id'), world.server.arrivals('beside')]).toEqual([0, 2]);
  });

  it.each([
    ['a third worker', () => third],
    ['its owner', () => owner],
    ['the worker that took the call', () => other],
  ])('cancels a call at the server within 250 ms when the client cancels it at %s', async (where, worker) => {
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

  it.each([
    ['its owner', () => owner],
    ['another worker', () => other],
  ])('ends the stream of a cancelled call without an answer at %s', async (where, worker) => {
    const client = await world.initialize(owner);
    const id = `unanswered at ${where}`;
    const params = { name: 'hold', arguments: { key: id, call: id } };
    const answer = client.post(worker(), { jsonrpc: '2.0', id, method: 'tools/call', params }).then((r) => r.text());
    await world.server.arrived(id);
    await client.notify(worker(), 'notifications/cancelled', { requestId: id });
    // The server may have opened its stream before the cancellation. A client that has an event id would reconnect.
    const [first = '', ...rest] = (await answer).split('\n\n').filter(Boolean);
    const isResumable = first.startsWith('id: ') && !first.includes('jsonrpc');
    expect(isResumable ? rest : [first]).toEqual([isResumable ? expect.stringContaining('"code":-31002') : '']);
  });

  it('sends change notifications on the stream that its client opened at another worker', async () => {
    const client = await world.initialize(owner);
    const opened = await client.stream(other);
    expect(opened.status).toBe(200);
    const stream = new EventReader(opened);
    // The server stream opens concurrently with the call and misses earlier changes: so change until one arrives.
    await client.callAndRead(owner, 'first of the stream');
    const list = nextMessageOf(stream, 'notifications/tools/list_changed');
    let isHeard = false;
    void list.then(() => (isHeard = true));
    await until(async () => {
      await client.callAndRead(third, 'change', 'change_tools');
      return isHeard;
    });
    expect(await list).toMatchObject({ jsonrpc: '2.0' });
    await stream.cancel();
  });

  it('ends the stream that a token opened at another worker when that token expires, and continues', async () => {
    const client = await world.initialize(owner);
    // For five seconds after its expiry a token is still accepted.
    const expiring = await world.cluster.token({ expiresInSeconds: -1 });
    const opened = await fetch(`${other.url}/servers/ref/mcp`, {
      headers: {
        authorization: `Bearer ${expiring}`,
        accept: 'text/event-stream',
        'mcp-session-id': client.session,
      },
    });
    expect(opened.status).toBe(200);
    await new EventReader(opened).rest();
    const again = new EventReader(await client.stream(other));
    expect((await client.callAndRead(other, 'after the token')).status).toBe(200);
    await again.cancel();
  });

  it('subscribes to a resource at one worker and sends its updates at another', async () => {
    const client = await world.initialize(owner);
    const stream = new EventReader(await client.stream(third));
    expect(await client.request(other, 'resources/subscribe', { uri: WATCHED })).toMatchObject({
      messages: [{ result: {} }],
    });
    const updated = nextMessageOf(stream, 'notifications/resources/updated');
    let isNotified = false;
    void updated.then(() => (isNotified = true));
    await until(async () => {
      await client.callAndRead(other, 'touch', 'touch_resource');
      return isNotified;
    });
    expect(await updated).toMatchObject({ params: { uri: WATCHED } });
    expect(await client.request(other, 'resources/unsubscribe', { uri: WATCHED })).toMatchObject({
      messages: [{ result: {} }],
    });
    await stream.cancel();
  });

  it('logs at the level that its client set at another worker', async () => {
    const client = await world.initialize(owner);
    expect(await client.request(other, 'logging/setLevel', { level: 'critical' })).toMatchObject({
      messages: [{ result: {} }],
    });
    const { messages } = await client.callAndRead(third, 'logging', 'log_at_levels', {});
    const levels = messages.filter(({ method }) => method === 'notifications/message').map(({ params }) => params);
    expect(levels).toMatchObject([{ level: 'critical' }, { level: 'alert' }, { level: 'emergency' }]);
    expect(messages.at(-1)).toMatchObject({ id: 'logging', result: { content: [{ text: 'logged at 8 levels' }] } });
  });

  it('accepts batches at revision 2025-03-26', async () => {
    const client = await world.initialize(owner, { revision: '2025-03-26' });
    const cancelled = { jsonrpc: '2.0', method: 'notifications/roots/list_changed' };
    const batch = [toolCall('one', 'echo', { text: 'one' }), cancelled, toolCall('two', 'echo', { text: 'two' })];
    const { status, messages } = await read(await client.post(other, batch));
    expect(status).toBe(200);
    const answerOf = (id: string) => expect.objectContaining({ id, result: { content: [{ type: 'text', text: id }] } });
    expect(messages).toHaveLength(2);
    expect(messages).toEqual(expect.arrayContaining([answerOf('one'), answerOf('two')]));
    expect([world.server.arrivals('one'), world.server.arrivals('two')]).toEqual([1, 1]);
    expect(await read(await client.post(other, [cancelled, cancelled]))).toEqual({ status: 202, messages: [] });
  });

  it('ends with a DELETE at another worker, and answers 404 at every worker afterwards', async () => {
    const client = await world.initialize(owner);
    await client.callAndRead(other, 'before its end');
    expect((await client.end(other)).status).toBe(204);
    for (const worker of [owner, other, third]) {
      expect(await client.callAndRead(worker, 'after its end')).toMatchObject({ status: 404, messages: [GONE] });
      expect(await client.request(worker, 'ping')).toMatchObject({ status: 404, messages: [GONE] });
      expect(await client.notify(worker, 'notifications/initialized')).toMatchObject({ status: 404 });
      expect((await client.stream(worker)).status).toBe(404);
      expect((await client.end(worker)).status).toBe(404);
    }
    expect(world.server.arrivals('after its end')).toBe(0);
  });

  it('serves many concurrent calls, each of them once', async () => {
    const client = await world.initialize(owner);
    const marks = Array.from({ length: 20 }, (_, index) => `burst ${index}`);
    const answers = await Promise.all(marks.map((mark) => client.callAndRead(other, mark)));
    expect(answers.map(({ messages }) => messages.at(-1)?.['id'])).toEqual(marks);
    expect(marks.map((mark) => world.server.arrivals(mark))).toEqual(marks.map(() => 1));
  });
});
