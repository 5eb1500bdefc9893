import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import { remoteServer, type SentRequest } from '../../../test/support/fake-upstream.js';
import { HttpWorld, modern } from '../../../test/support/http-world.js';

const CALL = modern(1, 'tools/call', { name: 'x' });
const PROGRESS = { method: 'notifications/progress', params: { progress: 1 } };
const A = '/servers/a/mcp';

let world: HttpWorld;

beforeEach(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open([remoteServer('a')], {
    ISTHMUS_KEEP_ALIVE: '100ms',
    ISTHMUS_MAX_STREAM_BUFFER: '64KiB',
  });
  world.connector.eras.set('a', 'modern');
});

afterEach(() => world.close());

/** Resolves with the next tool call that reaches the server. Tool lists are answered with an empty list. */
function nextCall(answer: (sent: SentRequest) => Outcome | Promise<Outcome>): Promise<SentRequest> {
  return new Promise((resolve) => {
    world.connector.respond = (sent) => {
      if (sent.request.method !== 'tools/call') return result({ tools: [] });
      resolve(sent);
      return answer(sent);
    };
  });
}

const NEVER_ANSWERED = () => new Promise<Outcome>(() => undefined);

const expectAbort = ({ signal }: SentRequest) => (signal.aborted ? Promise.resolve() : once(signal, 'abort'));

describe('a modern request', () => {
  it('is answered with JSON when no message precedes the outcome', async () => {
    void nextCall(() => result({ content: [] }));
    const { status, headers, json } = await world.post(A, CALL.message, CALL);
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(json).toMatchObject({ id: 1, result: { content: [], resultType: 'complete' } });
  });

  it('is answered with an event stream when a notification precedes the outcome', async () => {
    void nextCall(async ({ reply }) => {
      await reply.notify(PROGRESS);
      return result({ content: [] });
    });
    const stream = await world.stream('POST', A, CALL, CALL.message);
    expect(await stream.rest()).toMatchObject([PROGRESS, { id: 1, result: {} }]);
    expect(stream.events.every(({ id }) => id === undefined)).toBe(true);
  });

  it('becomes a stream with keep-alive comments when no message is sent for a while', async () => {
    const answer = Promise.withResolvers<Outcome>();
    void nextCall(() => answer.promise);
    const stream = await world.stream('POST', A, CALL, CALL.message);
    await stream.comment();
    answer.resolve(result({}));
    expect(await stream.rest()).toMatchObject([{ id: 1 }]);
  });

  it('is cancelled when the client disconnects, before and after it became a stream', async () => {
    for (const sendsProgress of [false, true]) {
      const call = nextCall(async ({ reply }) => {
        if (sendsProgress) await reply.notify(PROGRESS);
        return NEVER_ANSWERED();
      });
      const disconnect = new AbortController();
      const posting = world.request('POST', A, { ...CALL, signal: disconnect.signal }, CALL.message);
      const sent = await call;
      if (sendsProgress) await posting;
      disconnect.abort();
      await posting.catch(() => undefined);
      await expectAbort(sent);
    }
  });

  it('is not cancelled when the connection closes after the answer', async () => {
    const call = nextCall(() => result({}));
    await world.post(A, CALL.message, { ...CALL, headers: { ...CALL.headers, connection: 'close' } });
    const { signal } = await call;
    await world.idle();
    expect(signal.aborted).toBe(false);
  });

  it.each([
    ['an unsupported revision', 400, -32022, { 'mcp-protocol-version': '2099-01-01' }],
    ['a different method in its headers', 400, -32020, { 'mcp-method': 'tools/list' }],
    ['a different name in its headers', 400, -32020, { 'mcp-name': 'y' }],
  ])('is rejected for %s', async (_what, status, code, headers) => {
    const { message } = CALL;
    const _meta = {
      ...message.params._meta,
      ...('mcp-protocol-version' in headers && { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' }),
    };
    const posted = { ...message, params: { ...message.params, _meta } };
    const answer = await world.post(A, posted, { headers: { ...CALL.headers, ...headers } });
    expect(answer).toMatchObject({ status, json: { id: 1, error: { code } } });
  });

  it('is rejected when its method was removed in this era', async () => {
    for (const method of ['ping', 'logging/setLevel', 'resources/subscribe', 'initialize']) {
      const { message, headers } = modern(1, method);
      expect(await world.post(A, message, { headers })).toMatchObject({
        status: 404,
        json: { error: { code: -32601 } },
      });
    }
  });

  it('is accepted when it is a notification', async () => {
    const { message, headers } = modern(1, 'notifications/x');
    const { id: _id, ...notification } = message;
    expect(await world.post(A, notification, { headers })).toMatchObject({ status: 202, json: {} });
  });

  it('is rejected for GET and DELETE, which need a session', async () => {
    for (const verb of ['GET', 'DELETE']) {
      const response = await world.request(verb, A, CALL);
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    }
  });
});

describe('a modern subscription', () => {
  const LISTEN = modern(7, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
  const TOOLS = { method: 'notifications/tools/list_changed', params: {} };
  const NAMED = { _meta: { 'io.modelcontextprotocol/subscriptionId': 7 } };

  it('sends its acknowledgement and changes with its subscription id', async () => {
    const stream = await world.stream('POST', A, LISTEN, LISTEN.message);
    expect(await stream.message()).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { toolsListChanged: true }, ...NAMED },
    });
    world.connector.opened.at(-1)?.emitChange(TOOLS);
    expect(await stream.message()).toMatchObject({ ...TOOLS, params: NAMED });
    await stream.cancel();
  });

  it('ends the upstream subscription when the client disconnects', async () => {
    const stream = await world.stream('POST', A, LISTEN, LISTEN.message);
    await stream.message();
    await stream.cancel();
    await world.idle();
    expect(world.connector.opened.flatMap(({ listeners }) => listeners)).toEqual([]);
  });

  it('ends with its result when the worker drains', async () => {
    const stream = await world.stream('POST', A, LISTEN, LISTEN.message);
    await stream.message();
    const drained = world.drain();
    expect(await stream.rest()).toMatchObject([{ id: 7, result: { resultType: 'complete', ...NAMED } }]);
    await drained;
  });
});

describe('a modern client that does not read', () => {
  it('has its connection closed and its call cancelled', async () => {
    const call = nextCall(async ({ reply, signal }) => {
      while (!signal.aborted) {
        void reply.notify({ method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(10_000) } });
        await new Promise((resolve) => setImmediate(resolve));
      }
      return result({});
    });
    const { message } = modern(1, 'tools/call', { name: 'x' });
    const _meta = { ...message.params._meta, 'io.modelcontextprotocol/logLevel': 'debug' };
    const body = JSON.stringify({ ...message, params: { ...message.params, _meta } });
    const socket = connect(world.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const headers = { ...CALL.headers, ...world.authorization, accept: 'application/json, text/event-stream' };
    const head = Object.entries({
      ...headers,
      'content-type': 'application/json',
      'content-length': body.length,
      host: 'localhost',
    });
    socket.pause();
    socket.write(`POST ${A} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`);
    await expectAbort(await call);
    socket.destroy();
  });
});
