import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import type { EventReader } from '../../../test/support/event-reader.js';
import { remoteServer, type SentRequest } from '../../../test/support/fake-upstream.js';
import { HttpWorld } from '../../../test/support/http-world.js';

const PROGRESS = { method: 'notifications/progress', params: { progress: 1 } };
const call = (id: number | string) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'x' } });
const NO_DELETIONS = { slug: 'p', effect: 'deny', tools: ['delete_all'] } as const;
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 'hello',
  method: 'initialize',
  params: { protocolVersion: '2024-11-05', capabilities: { roots: {} }, clientInfo: { name: 'spec', version: '1' } },
};

let world: HttpWorld;

beforeEach(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open([remoteServer('a')], { ISTHMUS_MAX_CALLS_PER_SESSION: '2' });
});

afterEach(() => world.close());

/** A client with an open stream that can initialize its session. */
async function client(base = '/servers/a') {
  const stream = await world.stream('GET', `${base}/sse`);
  const endpoint = await stream.next();
  const post = (message: JsonObject) => world.post(endpoint?.data ?? '', message);
  const initialize = async () => {
    await post(INITIALIZE);
    return stream.message();
  };
  return { stream, endpoint, post, initialize };
}

/** Holds calls until the test answers them. */
function held() {
  const answers: PromiseWithResolvers<Outcome>[] = [];
  const calls: SentRequest[] = [];
  world.connector.respond = (sent) => {
    calls.push(sent);
    const answer = Promise.withResolvers<Outcome>();
    answers.push(answer);
    return answer.promise;
  };
  const answer = (index: number) => answers[index]?.resolve(result({ index }));
  const count = async (wanted: number) => {
    while (calls.length < wanted) await new Promise((resolve) => setImmediate(resolve));
  };
  return { calls, count, answer };
}

const idsOf = async (stream: EventReader) => (await stream.rest()).map(({ id }) => id);

describe('an HTTP+SSE client', () => {
  it('receives the message URL of the same endpoint as its first event', async () => {
    expect((await client()).endpoint).toMatchObject({
      type: 'endpoint',
      data: expect.stringMatching(/^\/servers\/a\/messages\?sessionId=[\w-]+$/),
    });
    expect((await client('')).endpoint?.data).toMatch(/^\/messages\?sessionId=/);
  });

  it('receives every answer on its stream without event ids', async () => {
    world.connector.respond = async ({ reply }) => {
      await reply.notify(PROGRESS);
      return result({ content: [] });
    };
    const { stream, post, initialize } = await client();
    expect(await initialize()).toMatchObject({ id: 'hello', result: { protocolVersion: '2024-11-05' } });
    expect(await post(call(1))).toMatchObject({ status: 202, json: {} });
    expect([await stream.message(), await stream.message()]).toMatchObject([PROGRESS, { id: 1, result: {} }]);
    expect(stream.events.every(({ id }) => id === undefined)).toBe(true);
  });

  it('can post to /message as well as /messages', async () => {
    const { stream, endpoint } = await client();
    await world.post((endpoint?.data ?? '').replace('/messages', '/message'), INITIALIZE);
    expect(await stream.message()).toMatchObject({ id: 'hello' });
  });

  it('receives method not found on its stream for methods of the modern era', async () => {
    const { stream, post, initialize } = await client();
    await initialize();
    for (const method of ['server/discover', 'subscriptions/listen']) {
      await post({ jsonrpc: '2.0', id: method, method });
      expect(await stream.message()).toMatchObject({ id: method, error: { code: -32601 } });
    }
  });

  it('receives an internal error on its stream when its server cannot be opened', async () => {
    world.connector.beforeOpening = () => Promise.reject(new TypeError('a defect'));
    const { stream, post } = await client();
    await post(INITIALIZE);
    expect(await stream.message()).toMatchObject({ id: 'hello', error: { code: -32603, message: 'Internal error' } });
  });

  it('answers questions and cancels calls by posting messages', async () => {
    const { calls, count } = held();
    const { stream, post, initialize } = await client();
    await initialize();
    await post(call(1));
    await count(1);
    const answer = calls[0]?.reply.answerQuestion({ method: 'roots/list', params: {} }, calls[0].signal);
    const { id } = await stream.message();
    await post({ jsonrpc: '2.0', id: id ?? null, result: { roots: [] } });
    expect(await answer).toEqual({ result: { roots: [] } });
    await post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    expect(calls[0]?.signal.aborted).toBe(true);
    await post({ jsonrpc: '2.0', id: 2, method: 'ping' });
    expect(await stream.message()).toMatchObject({ id: 2, result: {} });
  });

  it('reaches a server with its notifications only as far as its restrictions permit', async () => {
    world.registry.configure([remoteServer('a')], { policies: [NO_DELETIONS] });
    const { stream, post, initialize } = await client();
    await initialize();
    world.connector.respond = () => result({});
    await post(call(1));
    await stream.message();
    const restricted = ['acme/delete', 'tools/call', 'notifications/roots/list_changed'];
    for (const method of restricted)
      expect(await post({ jsonrpc: '2.0', method, params: {} })).toMatchObject({ status: 202 });
    const sent = world.connector.opened.flatMap(({ sentNotifications }) => sentNotifications);
    expect(sent.map(({ method }) => method)).toEqual(['notifications/roots/list_changed']);
  });

  it('receives 429 for a POST above the call limit of its session', async () => {
    const { count, answer } = held();
    const { stream, post, initialize } = await client();
    await initialize();
    for (const id of [1, 2]) await post(call(id));
    await count(2);
    expect(await post(call(3))).toMatchObject({ status: 429, json: { error: { code: -31003 } } });
    answer(0);
    expect(await stream.message()).toMatchObject({ id: 1 });
    expect(await post(call(4))).toMatchObject({ status: 202 });
  });

  it('loses its session when its stream closes', async () => {
    const { calls, count } = held();
    const { stream, endpoint, initialize, post } = await client();
    await initialize();
    await post(call(1));
    await count(1);
    await stream.cancel();
    await world.until(() => world.sessions === 0);
    expect(calls[0]?.signal.aborted).toBe(true);
    expect(await world.post(endpoint?.data ?? '', call(2))).toMatchObject({ status: 404 });
  });

  it('is rejected when its session id is missing, unknown or issued for another endpoint', async () => {
    const { endpoint } = await client();
    expect(await world.post('/servers/a/messages', call(1))).toMatchObject({ status: 400 });
    expect(await world.post('/servers/a/messages?sessionId=x', call(1))).toMatchObject({ status: 404 });
    expect(await world.post((endpoint?.data ?? '').replace('/servers/a', ''), call(1))).toMatchObject({ status: 404 });
  });

  it('receives the answers of in-flight calls before its stream ends when the worker drains', async () => {
    const { count, answer } = held();
    const { stream, post, initialize } = await client();
    await initialize();
    for (const id of [1, 2]) await post(call(id));
    await count(2);
    const drained = world.drain();
    answer(1);
    answer(0);
    expect(await idsOf(stream)).toEqual([2, 1]);
    await drained;
  });

  it('has its stream ended when the worker drains and no call is in flight', async () => {
    const { stream, initialize } = await client();
    await initialize();
    const drained = world.drain();
    expect(await stream.rest()).toEqual([]);
    await drained;
  });
});
