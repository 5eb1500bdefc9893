import { Agent, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { HttpWorld } from '../../test/support/http-world.js';

const CALL = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x' } };

let world: HttpWorld;

beforeEach(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open([remoteServer('a'), remoteServer('open', { public: true })], {
    ISTHMUS_MAX_BODY: '2KiB',
  });
});

afterEach(() => world.close());

const answerOf = async (response: Response) => ({
  status: response.status,
  allow: response.headers.get('allow'),
  text: await response.text(),
});

describe('an MCP endpoint', () => {
  it.each([
    ['/mcp', 'PUT', 'POST, GET, DELETE'],
    ['/servers/a/mcp', 'PATCH', 'POST, GET, DELETE'],
    ['/sse', 'POST', 'GET'],
    ['/messages', 'GET', 'POST'],
    ['/servers/a/message', 'DELETE', 'POST'],
    ['/rpc', 'GET', 'POST'],
  ])('%s rejects %s with 405 and lists the allowed methods', async (path, verb, allow) => {
    const { status, allow: allowed, text } = await answerOf(await world.request(verb, path));
    expect([status, allowed, JSON.parse(text)]).toEqual([
      405,
      allow,
      expect.objectContaining({ error: expect.anything() }),
    ]);
  });

  it.each(['/mcp', '/sse', '/rpc', '/servers/a/sse'])('%s opens no session for a HEAD request', async (path) => {
    expect(await answerOf(await world.request('HEAD', path))).toMatchObject({ status: 405, text: '' });
    expect(world.sessions).toBe(0);
  });

  it('is reported as unknown only to authenticated callers', async () => {
    expect((await world.post('/servers/nowhere/mcp', CALL)).status).toBe(404);
    const unauthenticated = { headers: { authorization: 'Bearer x' } };
    for (const path of ['/servers/nowhere/mcp', '/servers/a/mcp']) {
      const { status, headers } = await world.post(path, CALL, unauthenticated);
      expect([status, headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Bearer')]);
    }
  });

  it('that is public admits callers without a token and rejects an invalid token', async () => {
    world.connector.respond = () => result({});
    const anonymous = await fetch(`${world.url}/servers/open/rpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(CALL),
    });
    expect(anonymous.status).toBe(200);
    const bad = await world.post('/servers/open/rpc', CALL, { headers: { authorization: 'Bearer x' } });
    expect(bad.status).toBe(401);
  });

  it('rejects a body that is too large, and does not read the body of an unauthenticated caller', async () => {
    const large = { ...CALL, params: { name: 'x'.repeat(3_000) } };
    expect(await world.post('/rpc', large)).toMatchObject({ status: 413, json: { error: { code: -31010 } } });
    expect(await world.post('/rpc', large, { headers: { authorization: 'Bearer x' } })).toMatchObject({ status: 401 });
  });

  it('rejects a foreign origin with 403', async () => {
    const { status, json } = await world.post('/rpc', CALL, { headers: { origin: 'https://evil.example' } });
    expect([status, json['error']]).toEqual([403, expect.objectContaining({ code: -31009 })]);
  });

  it('reports an unexpected exception as an internal error without details', async () => {
    world.connector.respond = () => {
      throw new TypeError('secret of the house');
    };
    const { status, json } = await world.post('/servers/a/rpc', CALL);
    expect([status, json]).toEqual([
      500,
      { jsonrpc: '2.0', id: 1, error: { code: -32603, message: 'Internal error' } },
    ]);
  });
});

describe('a draining worker', () => {
  it('rejects new requests and finishes in-flight ones', async () => {
    const answer = Promise.withResolvers<Outcome>();
    const callReceived = new Promise<void>((resolve) => {
      world.connector.respond = () => {
        resolve();
        return answer.promise;
      };
    });
    const calling = world.post('/servers/a/rpc', CALL);
    await callReceived;
    world.startDraining();
    const refused = await world.post('/rpc', CALL);
    expect(refused).toMatchObject({
      status: 503,
      json: { error: { code: -31006, data: { outcome: 'not_executed' } } },
    });
    expect(refused.headers.get('retry-after')).toBe('1');
    answer.resolve(result({ content: [] }));
    expect(await calling).toMatchObject({ status: 200, json: { result: { content: [] } } });
  });

  it('stops soon after its last answer although clients keep connections open', async () => {
    const answer = Promise.withResolvers<Outcome>();
    const callReceived = new Promise<void>((resolve) => {
      world.connector.respond = () => {
        resolve();
        return answer.promise;
      };
    });
    const agent = new Agent({ keepAlive: true });
    const headers = { ...world.authorization, 'content-type': 'application/json' };
    const options = { method: 'POST', host: '127.0.0.1', port: world.port, path: '/servers/a/rpc', agent, headers };
    const answered = new Promise<number | undefined>((resolve) => {
      request(options, (response) => response.resume().on('end', () => resolve(response.statusCode))).end(
        JSON.stringify(CALL),
      );
    });
    await callReceived;
    const drained = world.drain();
    answer.resolve(result({}));
    expect(await answered).toBe(200);
    const started = performance.now();
    await drained;
    expect(performance.now() - started).toBeLessThan(scaleDeadline(3_000));
    agent.destroy();
  });

  it('ends idle streams and keeps streams that still await an answer', async () => {
    const headers = await world.session('/servers/a/mcp');
    const answer = Promise.withResolvers<Outcome>();
    world.connector.respond = async ({ reply }) => {
      await reply.notify({ method: 'notifications/progress', params: {} });
      return answer.promise;
    };
    const idle = await world.stream('GET', '/servers/a/mcp', { headers });
    await idle.next();
    const first = await world.stream('POST', '/servers/a/mcp', { headers }, CALL);
    await first.message();
    await first.cancel();
    const seen = first.events.at(-1)?.id ?? '';
    const back = await world.stream('GET', '/servers/a/mcp', { headers: { ...headers, 'last-event-id': seen } });
    const drained = world.drain();
    expect(await idle.rest()).toEqual([]);
    answer.resolve(result({ content: [] }));
    expect(await back.rest()).toMatchObject([{ id: 1, result: { content: [] } }]);
    await drained;
  });

  it('answers a batch that was received before', async () => {
    const headers = await world.session('/servers/a/mcp', '2025-03-26');
    const answer = Promise.withResolvers<Outcome>();
    const callReceived = new Promise<void>((resolve) => {
      world.connector.respond = () => {
        resolve();
        return answer.promise;
      };
    });
    const calling = world.post('/servers/a/mcp', [CALL, { ...CALL, id: 2 }], { headers });
    await callReceived;
    const drained = world.drain();
    answer.resolve(result({}));
    expect((await calling).json).toMatchObject([{ id: 1 }, { id: 2 }]);
    await drained;
  });
});

describe('the limit of sessions', () => {
  it('is reported with Retry-After, so that clients do not retry at once', async () => {
    const small = await HttpWorld.open([remoteServer('a')], { ISTHMUS_MAX_SESSIONS_PER_PRINCIPAL: '1' });
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
    const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params };
    expect((await small.post('/mcp', initialize)).status).toBe(200);
    const refused = await small.post('/mcp', initialize);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect(refused.json).toMatchObject({ error: { data: { outcome: 'not_executed', retryAfterMs: 5_000 } } });
    await small.close();
  });
});
