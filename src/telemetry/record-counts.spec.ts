import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { childServer, remoteServer } from '../../test/support/fake-upstream.js';
import { HttpWorld, modern } from '../../test/support/http-world.js';

const CALL = { name: 'a__pay', arguments: { amount: 5 } };
const MAX_BODY = 102_400;

let world: HttpWorld;

beforeAll(async () => {
  Logger.overrideLogger(false);
  const rate = { calls: 1, withinMs: 3_600_000 };
  world = await HttpWorld.open(
    [remoteServer('a'), remoteServer('m'), remoteServer('few'), childServer('c')],
    { ISTHMUS_MAX_BODY: '100KiB' },
    { limits: [{ slug: 'once', per: ['principal'], servers: ['few'], rate }] },
  );
  world.connector.eras.set('m', 'modern');
});

afterEach(() => {
  world.connector.respond = () => result({});
});

afterAll(async () => {
  await world.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

const rpc = (method: string, params: JsonObject = {}, id = 1) => ({ jsonrpc: '2.0', id, method, params });
const NOTIFICATION = { jsonrpc: '2.0', method: 'notifications/roots/list_changed' };
const RESPONSE = { jsonrpc: '2.0', id: 99, result: {} };
const NO_TOKEN = { authorization: 'Bearer x' };

type Act = () => Promise<unknown>;

const post =
  (path: string, message: JsonValue, headers: Record<string, string> = {}): Act =>
  () =>
    world.post(path, message, { headers });

/** Posts within a new session, whose handshake does not count. */
const inSession =
  (message: JsonValue, revision?: string, path = '/mcp'): Act =>
  async () => {
    const headers = await world.session(path, revision);
    await world.until(() => world.records.length > 0);
    world.records.length = 0;
    await world.request('POST', path, { headers }, message).then((response) => response.text());
  };

const postModern =
  (method: string, params: JsonObject = {}, headers: Record<string, string> = {}): Act =>
  () => {
    const call = modern(1, method, params);
    return world.post('/mcp', call.message, { headers: { ...call.headers, ...headers } });
  };

/** Posts a body as it is. */
const postText =
  (path: string, body: string, headers: Record<string, string> = {}): Act =>
  async () => {
    const sent = { accept: 'application/json', 'content-type': 'application/json', ...world.authorization, ...headers };
    const response = await fetch(`${world.url}${path}`, { method: 'POST', headers: sent, body });
    await response.text();
  };

/** Posts with the headers of a foreign host, which fetch does not send. */
const postToHost = (host: string): Act => {
  return () =>
    new Promise((resolve, reject) => {
      const headers = { host, 'content-type': 'application/json', ...world.authorization };
      const sent = request({ port: world.port, host: '127.0.0.1', method: 'POST', path: '/mcp', headers }, (response) =>
        response.resume().on('end', resolve),
      );
      sent.on('error', reject).end(JSON.stringify(rpc('tools/list')));
    });
};

/** Posts a message of HTTP+SSE and waits for its answer on the stream. */
const overSse =
  (message: JsonObject, hasAnswer: boolean): Act =>
  async () => {
    const stream = await world.stream('GET', '/sse', { headers: { accept: 'text/event-stream' } });
    const endpoint = await stream.next();
    await world.post(String(endpoint?.data), message);
    if (hasAnswer) await stream.message();
    await stream.cancel();
  };

const verb =
  (method: string, path: string, headers: Record<string, string> = {}): Act =>
  async () => {
    await (await world.request(method, path, { headers })).text();
  };

const CASES: readonly (readonly [string, number, Act])[] = [
  ['a modern call', 1, postModern('tools/call', CALL)],
  ['a modern list', 1, postModern('tools/list')],
  ['a modern call of a modern server', 1, postModern('tools/call', { ...CALL, name: 'm__pay' })],
  ['a modern discovery', 1, postModern('server/discover')],
  ['a modern notification', 0, post('/mcp', NOTIFICATION, { 'mcp-protocol-version': '2026-07-28' })],
  ['a modern request whose headers contradict its body', 1, postModern('tools/call', CALL, { 'mcp-name': 'other' })],
  ['a modern request with an unknown method', 1, postModern('nothing/such')],
  ['a handshake', 1, () => world.session()],
  ['a call in a session', 1, inSession(rpc('tools/call', CALL))],
  ['a notification in a session', 0, inSession(NOTIFICATION)],
  ['a response in a session', 0, inSession(RESPONSE)],
  ['an unknown method in a session', 1, inSession(rpc('nothing/such'))],
  ['malformed params in a session', 1, inSession({ ...rpc('tools/call'), params: 5 })],
  ['a batch', 2, inSession([rpc('ping'), rpc('tools/list', {}, 2), NOTIFICATION], '2025-03-26')],
  ['a batch of notifications', 0, inSession([NOTIFICATION, NOTIFICATION], '2025-03-26')],
  ['a batch where the revision has none', 2, inSession([rpc('ping'), rpc('ping', {}, 2)])],
  ['a call in an unknown session', 1, post('/mcp', rpc('tools/call', CALL), { 'mcp-session-id': 'unknown' })],
  ['a call over plain JSON-RPC', 1, post('/rpc', rpc('tools/call', CALL))],
  ['a call over HTTP+SSE', 1, overSse(rpc('ping'), true)],
  ['a notification over HTTP+SSE', 0, overSse(NOTIFICATION, false)],
  ['a message without a stream of HTTP+SSE', 1, post('/messages?sessionId=unknown', rpc('ping'))],
  ['a request without a valid token', 1, post('/mcp', rpc('tools/call', CALL), NO_TOKEN)],
  ['a modern request without a valid token', 1, postModern('tools/call', CALL, NO_TOKEN)],
  ['a request without a valid token over plain JSON-RPC', 1, post('/rpc', rpc('ping'), NO_TOKEN)],
  ['a request without a valid token over HTTP+SSE', 1, post('/messages?sessionId=x', rpc('ping'), NO_TOKEN)],
  ['a request to a foreign host', 1, postToHost('evil.example')],
  ['a request of a foreign page', 1, postModern('tools/list', {}, { origin: 'https://evil.example' })],
  ['a request to an unknown endpoint', 1, post('/servers/nowhere/mcp', rpc('tools/list'))],
  ['a body that is too large', 1, postText('/mcp', JSON.stringify(rpc('ping', { text: 'x'.repeat(MAX_BODY) })))],
  ['malformed JSON', 1, postText('/mcp', '{ "jsonrpc": ')],
  ['malformed JSON over plain JSON-RPC', 1, postText('/rpc', '{ "jsonrpc": ')],
  ['a body that is no message', 1, postText('/mcp', '7')],
  ['an empty body', 1, postText('/mcp', '')],
  ['another content type', 1, postText('/mcp', JSON.stringify(rpc('ping')), { 'content-type': 'text/plain' })],
  ['a client that accepts no JSON', 1, postText('/mcp', JSON.stringify(rpc('ping')), { accept: 'text/html' })],
  ['a GET without a session', 0, verb('GET', '/mcp')],
  ['a GET of an unknown session', 0, verb('GET', '/mcp', { 'mcp-session-id': 'unknown' })],
  ['a DELETE of an unknown session', 0, verb('DELETE', '/mcp', { 'mcp-session-id': 'unknown' })],
  ['another HTTP method', 0, verb('PUT', '/mcp')],
  ['a GET without a valid token', 0, verb('GET', '/mcp', NO_TOKEN)],
  ['the admin API', 0, verb('GET', '/admin/v1/servers')],
];

describe('the number of records', () => {
  it.each(CASES)('of %s is %i', async (_what, count, act) => {
    world.records.length = 0;
    await act();
    await world.until(() => world.records.length >= count);
    // A record of the act that should not be there is made before that of a later request.
    await postModern('ping')();
    const made = world.records.map(({ method, httpStatus, code }) => ({ method, httpStatus, code }));
    expect(made.slice(0, -1)).toHaveLength(count);
  });

  it('of calls at a limit is one each', async () => {
    world.records.length = 0;
    for (let calls = 1; calls <= 3; calls += 1) {
      await postModern('tools/call', { ...CALL, name: 'few__pay' })();
      expect(world.records).toHaveLength(calls);
    }
    const limited = { code: -31_003, errorStatus: 429, httpStatus: 200 };
    const executed = { code: undefined, errorStatus: undefined, httpStatus: 200 };
    expect(world.records).toMatchObject([executed, limited, limited]);
  });

  it('of a stream of a session and its end is none', async () => {
    const headers = await world.session();
    await world.until(() => world.records.length > 0);
    world.records.length = 0;
    const stream = await world.stream('GET', '/mcp', { headers: { ...headers, accept: 'text/event-stream' } });
    await verb('DELETE', '/mcp', headers)();
    await stream.cancel();
    expect(world.records).toEqual([]);
  });

  it('of a subscription is one, at its end', async () => {
    world.records.length = 0;
    const { message, headers } = modern(1, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
    const stream = await world.stream('POST', '/mcp', { headers }, message);
    await stream.message();
    expect(world.records).toEqual([]);
    await stream.cancel();
    await world.until(() => world.records.length > 0);
    expect(world.records).toMatchObject([{ method: 'subscriptions/listen', hasClientLeft: true }]);
  });
});
