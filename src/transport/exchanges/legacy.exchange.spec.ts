import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { GatewayError } from '#lib/extension-kit';
import { result, type JsonObject, type JsonValue, type Outcome } from '#lib/mcp-protocol';
import { remoteServer, type SentRequest } from '../../../test/support/fake-upstream.js';
import { HttpWorld, LEGACY } from '../../../test/support/http-world.js';
import { SessionRouter } from '../../affinity/index.js';

const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } };
const PROGRESS = { method: 'notifications/progress', params: { progress: 1 } };
const LOG = { method: 'notifications/message', params: { level: 'info', data: 'x' } };
const CANCEL = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
const A = '/servers/a/mcp';
const NOT_EXECUTED = { outcome: 'not_executed', retriable: true } as const;

let world: HttpWorld;

beforeEach(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open([remoteServer('a')], {
    ISTHMUS_KEEP_ALIVE: '100ms',
    ISTHMUS_MAX_CALLS_PER_SESSION: '3',
  });
});

afterEach(() => {
  jest.restoreAllMocks();
  return world.close();
});

/** Holds calls until the test answers them. */
function held() {
  const calls: SentRequest[] = [];
  const arrived: (() => void)[] = [];
  const answers: PromiseWithResolvers<Outcome>[] = [];
  world.connector.respond = (sent) => {
    calls.push(sent);
    const answer = Promise.withResolvers<Outcome>();
    answers.push(answer);
    for (const wake of arrived.splice(0)) wake();
    return answer.promise;
  };
  const count = async (wanted: number) => {
    while (calls.length < wanted) await new Promise<void>((resolve) => arrived.push(resolve));
  };
  const answer = (index = 0, value: JsonObject = { content: [] }) => answers[index]?.resolve(result(value));
  return { calls, count, answer };
}

describe('a call in a legacy session', () => {
  it('is answered with JSON when no message precedes the outcome', async () => {
    world.connector.respond = () => result({ content: [] });
    const { status, headers, json } = await world.post(A, CALL, { headers: await world.session(A) });
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(json).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } });
  });

  it('is answered with an event stream when a notification precedes the outcome, and can be resumed from any event', async () => {
    const { calls, count, answer } = held();
    const headers = await world.session(A);
    const opening = world.stream('POST', A, { headers }, CALL);
    await count(1);
    await calls[0]?.reply.notify(PROGRESS);
    answer();
    const stream = await opening;
    const messages = await stream.rest();
    expect(messages).toEqual([
      { jsonrpc: '2.0', ...PROGRESS },
      { jsonrpc: '2.0', id: 1, result: { content: [] } },
    ]);
    const ids = stream.events.map(({ id }) => id);
    expect(ids.every((id) => id !== undefined)).toBe(true);
    for (const [seen, id] of ids.entries()) {
      const resumed = await world.stream('GET', A, { headers: { ...headers, 'last-event-id': id! } });
      expect(resumed.response.headers.get('content-type')).toBe('text/event-stream');
      expect(await resumed.rest()).toEqual(messages.slice(Math.max(0, seen)));
    }
  });

  it('continues after a disconnect, and its messages are replayed when the client resumes', async () => {
    const { calls, count, answer } = held();
    const headers = await world.session(A);
    const opening = world.stream('POST', A, { headers }, CALL);
    await count(1);
    await calls[0]?.reply.notify(PROGRESS);
    const stream = await opening;
    await stream.message();
    await stream.cancel();
    await calls[0]?.reply.notify(LOG);
    const back = await world.stream('GET', A, { headers: { ...headers, 'last-event-id': stream.events.at(-1)!.id! } });
    expect(await back.message()).toMatchObject(LOG);
    expect(calls[0]?.signal.aborted).toBe(false);
    answer();
    expect(await back.rest()).toMatchObject([{ id: 1, result: {} }]);
  });

  it('becomes a stream with keep-alive comments when no message is sent for a while', async () => {
    const { count, answer } = held();
    const opening = world.stream('POST', A, { headers: await world.session(A) }, CALL);
    await count(1);
    const stream = await opening;
    await stream.comment();
    answer();
    expect(await stream.rest()).toMatchObject([{ id: 1, result: {} }]);
  });

  it('is cancelled by a notification, and its stream ends without an answer', async () => {
    const { calls, count } = held();
    const headers = await world.session(A);
    const opening = world.stream('POST', A, { headers }, CALL);
    await count(1);
    expect(await world.post(A, CANCEL, { headers })).toMatchObject({ status: 202 });
    expect(await (await opening).rest()).toEqual([]);
    expect(calls[0]?.signal.aborted).toBe(true);
  });

  it('is answered after its cancellation when its client accepts JSON only', async () => {
    const { count } = held();
    const headers = await world.session(A);
    const calling = world.post(A, CALL, { headers: { ...headers, accept: 'application/json' } });
    await count(1);
    await world.post(A, CANCEL, { headers });
    expect((await calling).json).toMatchObject({ id: 1, error: { code: -31002 } });
  });

  it('is answered after its cancellation when its client could resume the stream', async () => {
    const { calls, count } = held();
    const headers = await world.session(A);
    const opening = world.stream('POST', A, { headers }, CALL);
    await count(1);
    await calls[0]?.reply.notify(PROGRESS);
    const stream = await opening;
    await stream.message();
    await world.post(A, CANCEL, { headers });
    expect(await stream.rest()).toMatchObject([{ id: 1, error: { code: -31002 } }]);
  });

  it('is rejected above the call limit of its session', async () => {
    const { count, answer } = held();
    const headers = await world.session(A);
    const calling = [1, 2, 3].map((id) => world.post(A, { ...CALL, id }, { headers }));
    await count(3);
    expect((await world.post(A, { ...CALL, id: 4 }, { headers })).json).toMatchObject({
      id: 4,
      error: { code: -31003 },
    });
    for (const index of [0, 1, 2]) answer(index);
    expect((await Promise.all(calling)).map(({ json }) => json['id'])).toEqual([1, 2, 3]);
  });

  it('is answered with an error when its result cannot be translated to the legacy era', async () => {
    world.connector.eras.set('a', 'modern');
    world.connector.respond = ({ request }) =>
      result(request.method === 'tools/list' ? { tools: [] } : { resultType: 'odd' });
    const { json } = await world.post(A, CALL, { headers: await world.session(A) });
    expect(json).toMatchObject({ id: 1, error: { code: -31005, data: { outcome: 'executed', retriable: false } } });
  });

  it('receives the server’s question on its own stream', async () => {
    const question = { method: 'roots/list', params: {} };
    world.connector.respond = async ({ reply, signal }) =>
      result({ answer: await reply.answerQuestion(question, signal) } as unknown as JsonObject);
    const headers = await world.session(A);
    const stream = await world.stream('POST', A, { headers }, CALL);
    const { id } = await stream.message();
    const answer = { jsonrpc: '2.0', id: id ?? null, result: { roots: [] } };
    expect(await world.post(A, answer, { headers })).toMatchObject({ status: 202 });
    expect(await stream.rest()).toMatchObject([{ id: 1, result: { answer: { result: { roots: [] } } } }]);
  });

  it('is answered with an error when its session is deleted during its stream', async () => {
    const { calls, count } = held();
    const headers = await world.session(A);
    const opening = world.stream('POST', A, { headers }, CALL);
    await count(1);
    await calls[0]?.reply.notify(PROGRESS);
    const stream = await opening;
    expect((await world.request('DELETE', A, { headers })).status).toBe(204);
    expect((await stream.rest()).at(-1)).toMatchObject({ id: 1, error: { code: -31002 } });
    expect(await world.post(A, CALL, { headers })).toMatchObject({ status: 404 });
  });
});

describe('the GET stream of a legacy session', () => {
  it('begins with an event id for resumption and delivers unrelated server messages', async () => {
    world.connector.respond = () => result({});
    const headers = await world.session(A);
    const stream = await world.stream('GET', A, { headers });
    expect(await stream.next()).toMatchObject({ id: expect.any(String), data: '' });
    await world.post(A, CALL, { headers });
    world.connector.live.at(-1)?.emitNotification(LOG);
    expect(await stream.message()).toMatchObject(LOG);
    await world.request('DELETE', A, { headers });
    expect(await stream.rest()).toEqual([]);
  });

  it('replays the messages that were sent while the client was disconnected', async () => {
    world.connector.respond = () => result({});
    const headers = await world.session(A);
    const first = await world.stream('GET', A, { headers });
    const { id } = (await first.next())!;
    await world.post(A, CALL, { headers });
    await first.cancel();
    for (const data of ['one', 'two']) {
      world.connector.live.at(-1)?.emitNotification({ ...LOG, params: { ...LOG.params, data } });
    }
    const back = await world.stream('GET', A, { headers: { ...headers, 'last-event-id': id! } });
    expect([await back.message(), await back.message()]).toMatchObject([
      { params: { data: 'one' } },
      { params: { data: 'two' } },
    ]);
  });

  it('is rejected for an unknown last event id', async () => {
    const headers = await world.session(A);
    const response = await world.request('GET', A, { headers: { ...headers, 'last-event-id': '9-9' } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining('Cannot replay the events') },
    });
  });
});

describe('a notification that the gateway does not know', () => {
  const UNKNOWN = { jsonrpc: '2.0', method: 'acme/delete', params: {} };
  const KNOWN = { jsonrpc: '2.0', method: 'notifications/roots/list_changed', params: {} };
  const open = { ...remoteServer('a'), allowUnknownMethods: true };
  const denied = { slug: 'p', effect: 'deny', tools: ['delete_all'] } as const;
  const limited = { slug: 'few', per: ['principal'], rate: { calls: 2, withinMs: 3_600_000 } } as const;
  type Case = [string, JsonValue[], number];
  const CASES: Case[] = [
    ['alone', [UNKNOWN, { ...UNKNOWN, method: 'tools/call' }, KNOWN], 202],
    ['in a batch of notifications', [[UNKNOWN, { ...UNKNOWN, method: 'tools/call' }, KNOWN]], 202],
    ['in a batch with a call', [[UNKNOWN, CALL, { ...UNKNOWN, method: 'tools/call' }, KNOWN]], 200],
  ];

  /** Posts the messages in a session that has an upstream session. Returns the statuses and what the server received. */
  async function send(messages: readonly JsonValue[]) {
    world.connector.respond = () => result({});
    const headers = await world.session(A, '2025-03-26');
    await world.post(A, { ...CALL, id: 'first' }, { headers });
    const statuses: number[] = [];
    for (const message of messages) statuses.push((await world.post(A, message, { headers })).status);
    const sent = world.connector.opened.flatMap(({ sentNotifications }) => sentNotifications);
    return { statuses, sent: sent.map(({ method }) => method) };
  }

  it.each(CASES)('reaches the server from a caller without restrictions, %s', async (_way, messages, status) => {
    world.registry.configure([open]);
    const { statuses, sent } = await send(messages);
    expect(statuses).toEqual(messages.map(() => status));
    expect(sent.toSorted()).toEqual(['acme/delete', 'notifications/roots/list_changed']);
  });

  it.each(CASES)('is dropped for a caller with restrictions, %s', async (_way, messages, status) => {
    world.registry.configure([open], { policies: [denied] });
    const { statuses, sent } = await send(messages);
    expect(statuses).toEqual(messages.map(() => status));
    expect(sent).toEqual(['notifications/roots/list_changed']);
  });

  it('is rejected beyond a limit, also in a batch of notifications, and dropped beside a call', async () => {
    world.registry.configure([open], { limits: [limited] });
    const { statuses, sent } = await send([UNKNOWN, UNKNOWN, [UNKNOWN], [CALL, UNKNOWN]]);
    expect([statuses, sent]).toEqual([[202, 429, 429, 200], ['acme/delete']]);
  });
});

describe('a legacy batch', () => {
  const batch = [CALL, { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, { ...CALL, id: 'two' }];

  it('is answered with one array, or with one event for each answer on a stream', async () => {
    world.connector.respond = () => result({});
    const headers = await world.session(A, '2025-03-26');
    const { json } = await world.post(A, batch, { headers });
    expect(json).toMatchObject([{ id: 1 }, { id: 'two' }]);
    world.connector.respond = async ({ reply }) => {
      await reply.notify(PROGRESS);
      return result({});
    };
    const stream = await world.stream('POST', A, { headers }, batch);
    const ids = (await stream.rest()).flatMap(({ id }) => (id === undefined ? [] : [id]));
    expect(new Set(ids)).toEqual(new Set([1, 'two']));
  });

  it('returns the answers to its requests when a notification of it cannot be delivered', async () => {
    world.connector.respond = () => result({});
    const headers = await world.session(A, '2025-03-26');
    const locate = SessionRouter.prototype.locate;
    jest.spyOn(SessionRouter.prototype, 'locate').mockImplementation(async function (this: SessionRouter, ...args) {
      const session = await locate.apply(this, args);
      session.notify = () => Promise.reject(new GatewayError(-31_001, 'The owner is unreachable.', 503, NOT_EXECUTED));
      return session;
    });
    const { status, json } = await world.post(A, batch, { headers });
    expect([status, json]).toMatchObject([
      200,
      [
        { id: 1, result: {} },
        { id: 'two', result: {} },
      ],
    ]);
    // A batch without requests has no other answer that could carry the error.
    expect(await world.post(A, [batch[1]!], { headers })).toMatchObject({ status: 503 });
  });

  it('rejects initialize and methods of the modern era', async () => {
    const headers = await world.session(A, '2025-03-26');
    const calls = ['initialize', 'server/discover', 'subscriptions/listen'].map((method) => ({
      ...CALL,
      id: method,
      method,
    }));
    const { json } = await world.post(A, calls, { headers });
    expect(json).toMatchObject(calls.map(({ id }) => ({ id, error: { code: -32601 } })));
  });

  it('is accepted without a request, and rejected when empty, too large, or in a revision without batches', async () => {
    const headers = await world.session(A, '2025-03-26');
    expect(await world.post(A, [batch[1]!], { headers })).toMatchObject({ status: 202 });
    expect(await world.post(A, [], { headers })).toMatchObject({ status: 400 });
    expect(
      await world.post(
        A,
        Array.from({ length: 51 }, () => CALL),
        { headers },
      ),
    ).toMatchObject({ status: 400 });
    expect(await world.post(A, batch, { headers: await world.session(A) })).toMatchObject({ status: 400 });
  });
});

describe('a legacy session', () => {
  it('is rejected when its id is missing, forged or issued for another endpoint', async () => {
    const headers = await world.session(A);
    const missing = await world.post(A, CALL, { headers: { 'mcp-protocol-version': LEGACY } });
    expect(missing).toMatchObject({
      status: 400,
      json: { error: { message: expect.stringContaining('Mcp-Session-Id') } },
    });
    for (const [path, id] of [
      ['/mcp', headers['mcp-session-id']],
      [A, 'forged'],
    ] as const) {
      expect(await world.post(path, CALL, { headers: { ...headers, 'mcp-session-id': id! } })).toMatchObject({
        status: 404,
      });
    }
    const wrong = { ...headers, 'mcp-protocol-version': '1999-01-01' };
    expect(await world.post(A, CALL, { headers: wrong })).toMatchObject({ status: 400 });
  });

  it('is not opened for a client that disconnected during initialize', async () => {
    const answering = Promise.withResolvers<undefined>();
    const openingStarted = Promise.withResolvers<undefined>();
    world.connector.beforeOpening = () => {
      openingStarted.resolve(undefined);
      return answering.promise;
    };
    const leaving = new AbortController();
    const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: 'x', version: '1' } };
    const message = { jsonrpc: '2.0', id: 0, method: 'initialize', params };
    const handshake = world.request('POST', A, { signal: leaving.signal }, message);
    await openingStarted.promise;
    leaving.abort();
    await expect(handshake).rejects.toThrow();
    await world.idle();
    answering.resolve(undefined);
    await world.idle();
    expect(world.sessions).toBe(0);
  });
});
