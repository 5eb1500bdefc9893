/** @waits */
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import type { ClusterWorker } from '../support/cluster.js';
import { startClusterWorld, type ClusterWorld } from '../support/cluster-world.js';
import { EventReader } from '../support/event-reader.js';
import { answerAll, RepeatingClient, type MarkedTool } from '../support/repeating-client.js';
import { nextMessage } from '../support/roaming-client.js';

const ACCEPT = { action: 'accept', content: { name: 'Ada' } };
const GREETED = { result: { content: [{ type: 'text', text: 'accept: Ada' }] } };
const error = (code: number) => ({ error: { code, data: { outcome: 'unknown', retriable: false } } });
const asking = (mark: string, key: string): MarkedTool => ({ mark, tool: 'ask_name', args: { key } });

describe.each(['legacy', 'modern'] as const)('a question of a %s server behind an interceptor', (era) => {
  let world: ClusterWorld;
  let owner: ClusterWorker;
  let other: ClusterWorker;
  let modern: RepeatingClient;

  beforeAll(async () => {
    const env = { ISTHMUS_EXTENSIONS: resolve('dist/test/extensions/acme-extension.js') };
    world = await startClusterWorld(2, { era, transport: 'http' }, env);
    [owner, other] = world.cluster.workers as [ClusterWorker, ClusterWorker];
    modern = new RepeatingClient({ token: await world.cluster.token() });
  });

  afterAll(async () => {
    await modern.close();
    await world.close();
  });

  const openSession = () => world.initialize(owner, { capabilities: { elicitation: {} } });

  /** All that a legacy client receives for a call. */
  const messagesOf = async (mark: string, key: string) => {
    const client = await openSession();
    return (await client.callAndRead(other, mark, 'ask_name', { key, call: mark })).messages;
  };

  it('reaches a legacy client as the interceptor changed it, and its answer reaches the server', async () => {
    const client = await openSession();
    const events = new EventReader(await client.call(other, 'l1', 'ask_name', { key: 'reword:', call: 'l1' }));
    const { message } = await nextMessage(events);
    expect(message).toMatchObject({ method: 'elicitation/create', params: { message: 'Reworded?' } });
    await client.post(other, { jsonrpc: '2.0', id: message['id'] ?? 0, result: ACCEPT });
    expect((await nextMessage(events)).message).toMatchObject(GREETED);
  });

  it('reaches a modern client as the interceptor changed it, and its answer reaches the server', async () => {
    const call = asking('m1', 'reword:');
    const asked = await modern.callForInput(owner, call);
    expect(Object.values(asked.inputRequests)).toMatchObject([{ params: { message: 'Reworded?' } }]);
    expect(await modern.call(other, call, answerAll(asked, ACCEPT))).toMatchObject(GREETED);
  });

  it.each([
    ['refuses', 'withhold:', error(-31_009)],
    ['fails at', 'stumble:', error(-32_603)],
  ])('reaches no client when the interceptor %s it, and the call fails', async (_what, key, expected) => {
    expect(await messagesOf(`l2${key}`, key)).toMatchObject([expected]);
    expect(await modern.call(owner, asking(`m2${key}`, key))).toMatchObject(expected);
  });

  it('reaches no client when the interceptor answers it', async () => {
    const declined: JsonObject = {
      result: { content: [{ type: 'text', text: expect.stringContaining('decline') }] },
    } as never;
    expect(await messagesOf('l3', 'decline:')).toMatchObject([declined]);
    expect(await modern.call(owner, asking('m3', 'decline:'))).toMatchObject(declined);
  });

  it('follows the question of the interceptor itself, and both are answered at different workers', async () => {
    const call = asking('m4', 'ask:');
    const approval = await modern.callForInput(owner, call);
    expect(Object.keys(approval.inputRequests)).toEqual([expect.stringMatching(/^AcmeInterceptor\/approval\//)]);
    expect(world.server.arrivals('m4')).toBe(0);
    const named = await modern.callForInput(other, call, answerAll(approval, { action: 'accept', content: {} }));
    expect(Object.keys(named.inputRequests)).not.toContainEqual(expect.stringMatching(/^AcmeInterceptor/));
    expect(await modern.call(owner, call, answerAll(named, ACCEPT))).toMatchObject(GREETED);
    // A modern server receives the call again with the answers.
    expect(world.server.arrivals('m4')).toBe(era === 'modern' ? 2 : 1);
  });
});
