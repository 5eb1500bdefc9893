/** @waits */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import { answerAll, RepeatingClient, type MarkedTool } from '../support/repeating-client.js';
import { nextMessage } from '../support/roaming-client.js';
import { until } from '../support/until.js';

const ACCEPT = { action: 'accept', content: {} };
const text = (...texts: string[]) => ({ result: { content: texts.map((each) => ({ type: 'text', text: each })) } });
const error = (code: number, outcome: string) => ({ error: { code, data: { outcome } } });

let world: ClusterWorld;
let owner: ClusterWorker;
let other: ClusterWorker;
let modern: RepeatingClient;

beforeAll(async () => {
  const env = { ISTHMUS_EXTENSIONS: resolve('dist/test/extensions/acme-extension.js'), ISTHMUS_LOG_FORMAT: 'json' };
  world = await startClusterWorld(2, { era: 'legacy', transport: 'http' }, env);
  [owner, other] = world.cluster.workers as [ClusterWorker, ClusterWorker];
  modern = new RepeatingClient({ token: await world.cluster.token() });
});

afterAll(async () => {
  await modern.close();
  await world.close();
});

const saying = (mark: string, said: string): MarkedTool => ({ mark, tool: 'echo', args: { text: said } });

/** The answer to a call of the tool `echo` in a session, through the worker that does not own it. */
async function echoed(mark: string, said: string): Promise<JsonObject | undefined> {
  const client = await world.initialize(owner);
  return (await client.callAndRead(other, mark, 'echo', { text: said, call: mark })).messages.at(-1);
}

describe('an interceptor of an extension', () => {
  it('changes the arguments and the result of a forwarded call, once', async () => {
    expect(await echoed('m1', 'change:hello')).toMatchObject(text('hello'));
    expect(await echoed('m2', 'sign:')).toMatchObject(text('sign:', 'signed'));
    expect([world.server.arrivals('m1'), world.server.arrivals('m2')]).toEqual([1, 1]);
  });

  it('refuses, fails and answers without executing the call', async () => {
    expect(await echoed('m3', 'refuse:')).toMatchObject(error(-31_009, 'not_executed'));
    expect(await echoed('m4', 'throw:')).toMatchObject(error(-32_603, 'not_executed'));
    expect(await echoed('m5', 'answer:')).toMatchObject(text('from acme'));
    expect(['m3', 'm4', 'm5'].map((mark) => world.server.arrivals(mark))).toEqual([0, 0, 0]);
    await until(async () => other.output.includes('"interception":"answered","interceptedBy":"AcmeInterceptor"'));
  });

  it('does not execute a call with arguments that break the schema of the tool', async () => {
    const client = await world.initialize(owner);
    await client.request(owner, 'tools/list');
    const answer = await echoed('m6', 'break:');
    expect(answer).toMatchObject(error(-32_602, 'not_executed'));
    expect(world.server.arrivals('m6')).toBe(0);
  });

  it('does not end the worker with a rejection that it leaves behind', async () => {
    expect(await echoed('m7', 'leak:')).toMatchObject(error(-32_603, 'unknown'));
    expect(await echoed('m8', 'change:alive')).toMatchObject(text('alive'));
  });

  it('changes the answer that a client receives which resumes its stream at another worker', async () => {
    const client = await world.initialize(owner);
    const args = { durationMs: 50, steps: 2, key: 'sign:' };
    const events = new EventReader(await client.call(other, 'm9', 'slow', args));
    const { id } = await nextMessage(events);
    while ('method' in (await nextMessage(events)).message);
    const resumed = new EventReader(await client.stream(other, id));
    const answer = (await resumed.rest()).at(-1);
    expect(JSON.stringify(answer)).toContain('signed');
  });
});

describe('a question of an interceptor', () => {
  it('reaches a legacy client on the stream of its call', async () => {
    const client = await world.initialize(owner, { capabilities: { elicitation: {} } });
    const events = new EventReader(await client.call(other, 'q1', 'echo', { text: 'ask:', call: 'q1' }));
    const { message } = await nextMessage(events);
    expect(message).toMatchObject({ method: 'elicitation/create', params: { message: 'Approve?' } });
    expect(world.server.arrivals('q1')).toBe(0);
    await client.post(other, { jsonrpc: '2.0', id: message['id'] ?? 0, result: ACCEPT });
    expect((await nextMessage(events)).message).toMatchObject(text('ask:'));
  });

  it('refuses the call of a client that cannot answer', async () => {
    expect(await echoed('q2', 'ask:')).toMatchObject(error(-31_009, 'not_executed'));
  });

  it('is answered by a modern client at another worker, and its answer is used once', async () => {
    const call = saying('q3', 'ask:');
    const asked = await modern.callForInput(owner, call);
    expect(Object.keys(asked.inputRequests)).toEqual([expect.stringMatching(/^AcmeInterceptor\/approval\//)]);
    expect(world.server.arrivals('q3')).toBe(0);
    expect(await modern.call(other, call, answerAll(asked, ACCEPT))).toMatchObject(text('ask:'));
    for (const worker of [owner, other])
      expect(await modern.call(worker, call, answerAll(asked, ACCEPT))).toMatchObject(error(-32_602, 'unknown'));
    expect(world.server.arrivals('q3')).toBe(1);
  });

  it.each([
    ['other arguments', saying('q4', 'ask:more')],
    ['another tool', { mark: 'q4', tool: 'add', args: { text: 'ask:' } }],
  ])('approves no call with %s', async (_what, changed) => {
    const asked = await modern.callForInput(owner, saying('q4', 'ask:'));
    expect(await modern.call(other, changed, answerAll(asked, ACCEPT))).toMatchObject(error(-32_602, 'not_executed'));
    expect(world.server.arrivals('q4')).toBe(0);
  });

  it('approves no call of another caller', async () => {
    const stranger = new RepeatingClient({ token: await world.cluster.token({ subject: 'stranger' }) });
    const call = saying('q5', 'ask:');
    const asked = await modern.callForInput(owner, call);
    expect(await stranger.call(other, call, answerAll(asked, ACCEPT))).toMatchObject(error(-32_602, 'not_executed'));
    await stranger.close();
  });

  it('prevents the call although the interceptor ignores it', async () => {
    const asked = await modern.callForInput(owner, saying('q6', 'ignore:'));
    expect(Object.keys(asked.inputRequests)).toEqual([expect.stringMatching(/^AcmeInterceptor\/approval\//)]);
    expect(world.server.arrivals('q6')).toBe(0);
  });

  it('is followed by the question of a legacy server, and the call runs once', async () => {
    const call: MarkedTool = { mark: 'q7', tool: 'ask_name', args: { key: 'ask:' } };
    const asked = await modern.callForInput(owner, call);
    const parked = await modern.callForInput(other, call, answerAll(asked, ACCEPT));
    expect(Object.keys(parked.inputRequests)).toEqual(['question-1']);
    const named = { action: 'accept', content: { name: 'Ada' } };
    expect(await modern.call(owner, call, answerAll(parked, named))).toMatchObject({ result: expect.anything() });
    expect(world.server.arrivals('q7')).toBe(1);
  });
});

describe('a question of a worker that is killed', () => {
  /** Asks at a worker that only this test uses, and kills it. */
  async function killAfter<T>(ask: (asking: ClusterWorker) => Promise<T>): Promise<T> {
    const asking = await world.cluster.addWorker();
    const asked = await ask(asking);
    asking.kill('SIGKILL');
    await asking.ended;
    return asked;
  }

  it('is answered by a modern client at another worker, and the call runs once', async () => {
    const call = saying('k1', 'ask:');
    const asked = await killAfter((asking) => modern.callForInput(asking, call));
    expect(await modern.call(other, call, answerAll(asked, ACCEPT))).toMatchObject(text('ask:'));
    expect(world.server.arrivals('k1')).toBe(1);
  });

  it('ends the call of a legacy client with an error, without executing it', async () => {
    const events = await killAfter(async (asking) => {
      const client = await world.initialize(asking, { capabilities: { elicitation: {} } });
      const call = new EventReader(await client.call(other, 'k2', 'echo', { text: 'ask:', call: 'k2' }));
      expect((await nextMessage(call)).message).toMatchObject({ method: 'elicitation/create' });
      return call;
    });
    expect((await events.rest()).at(-1)).toMatchObject(error(-31_002, 'unknown'));
    expect(world.server.arrivals('k2')).toBe(0);
  });
});
