/** Bad input in the messages: JSON, envelopes, sessions, modern headers. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '#lib/mcp-protocol';
import { LegacyRawClient, SseRawClient } from '#lib/testing/raw-client';
import {
  reversed,
  BadInputWorld,
  expectGoodService,
  expectNothingLeaks,
  expectRefusal,
  LEGACY_HEADERS,
  ping,
} from '../support/bad-input.js';

let world: BadInputWorld;

beforeAll(async () => {
  world = await BadInputWorld.start();
});

afterAll(async () => {
  await world?.close();
});

const PATHS = ['/mcp', '/servers/old/mcp', '/rpc', '/servers/old/rpc'];
const headers = LEGACY_HEADERS;

describe.each(PATHS)('a body that is not JSON, at %s', (path) => {
  afterAll(() => expectGoodService(world));

  const TEXTS: Record<string, string | Uint8Array> = {
    'an empty body': '',
    'a cut body': JSON.stringify(ping()).slice(0, -1),
    'two values': `${JSON.stringify(ping())}${JSON.stringify(ping())}`,
    'a trailing comma': '{"jsonrpc":"2.0","id":1,"method":"ping",}',
    'single quotes': "{'jsonrpc':'2.0','id':1,'method':'ping'}",
    NaN: '{"jsonrpc":"2.0","id":NaN,"method":"ping"}',
    'a comment': '/* hi */{"jsonrpc":"2.0","id":1,"method":"ping"}',
    'a bare control character': '{"jsonrpc":"2.0","id":1,"method":"pi\u0001ng"}',
    HTML: '<html></html>',
    'bytes that are not UTF-8': Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]),
    'an overlong form': Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'),
      Buffer.from([0xc0, 0xaf]),
      Buffer.from('"}'),
    ]),
    'UTF-16': Buffer.from(JSON.stringify(ping()), 'utf16le'),
    'nesting of a hundred thousand levels': `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
    'nesting just too deep': `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"deep":${'['.repeat(64)}${']'.repeat(64)}}}`,
    'two hundred thousand members': `{"jsonrpc":"2.0","id":1,"method":"ping","params":{${Array.from({ length: 200_000 }, (_, index) => `"k${index}":1`).join(',')}}}`,
    'more than a million values': `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"list":[${'1,'.repeat(1_000_000)}1]}}`,
    'more than a hundred thousand long integers': `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"list":[${'12345678901234567890,'.repeat(100_000)}12345678901234567890]}}`,
    'nesting that is never closed': '[{'.repeat(100_000),
  };

  it.each(Object.entries(TEXTS))('%s is answered with a parse error', async (_name, body) => {
    expectRefusal(await world.send({ path, headers, body }), 400, -32700);
  });
});

describe.each(PATHS)('a body that is not a JSON-RPC request, at %s', (path) => {
  afterAll(() => expectGoodService(world));

  const ENVELOPES: Record<string, JsonValue> = {
    null: null,
    'a number': 1,
    'a text': 'ping',
    true: true,
    'an empty list': [],
    'a list': [ping(1), ping(2)],
    'an empty object': {},
    'another version': { ...ping(), jsonrpc: '1.0' },
    'no version': { id: 1, method: 'ping' },
    'a version that is a number': { ...ping(), jsonrpc: 2 },
    'no method': { jsonrpc: '2.0', id: 1 },
    'a method that is a number': { ...ping(), method: 7 },
    'an empty method': { ...ping(), method: '' },
    'params that are a list': { ...ping(), params: [] },
    'params that are a text': { ...ping(), params: 'x' },
    'an id that is null': ping(null),
    'an id that is an object': ping({}),
    'an id that is a list': ping([1]),
    'an id that is true': ping(true),
    'an id that is a fraction': ping(1.5),
    'an id of two thousand characters': ping('x'.repeat(2_000)),
    'a request and an answer at once': { ...ping(), result: {} },
    'result and error at once': { jsonrpc: '2.0', id: 1, result: {}, error: { code: 1, message: 'x' } },
  };

  it.each(Object.entries(ENVELOPES))('%s is answered with "invalid request"', async (_name, body) => {
    expectRefusal(await world.send({ path, headers, body: JSON.stringify(body) }), 400, -32600);
  });

  it('an id beyond the safe integers is rejected, not rounded', async () => {
    const body = '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}';
    expectRefusal(await world.send({ path, headers, body }), 400, -32600);
  });
});

describe('a client that declares more than 64 KiB about itself', () => {
  afterAll(() => expectGoodService(world));

  const large = { note: 'x'.repeat(70_000) };

  it.each([
    ['capabilities', { capabilities: { experimental: large } }],
    ['clientInfo', { clientInfo: { name: 'large', version: '1', ...large } }],
  ])('is refused a session for its %s', async (_what, declared) => {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'client', version: '1' },
      ...declared,
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const answer = await world.send({ path: '/servers/old/mcp', headers, body });
    expectRefusal(answer, 400, -32602);
    expect(answer.headers['mcp-session-id']).toBeUndefined();
  });

  it('is refused each request of the modern era', async () => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': { experimental: large },
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta } });
    const modern = { ...headers, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' };
    expectRefusal(await world.send({ path: '/servers/old/mcp', headers: modern, body }), 400, -32602);
  });
});

describe('unusual but harmless arguments', () => {
  afterAll(() => expectGoodService(world));

  const ODD: Record<string, string> = {
    'a key __proto__': '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    'keys that come twice': '{"a":1,"a":2}',
    'a lone surrogate': '{"a":"\\ud800"}',
    'a null character': '{"a":"\\u0000"}',
    'an integer beyond the safe ones': '{"a":9007199254740993}',
    'a number beyond all numbers': '{"a":1e999}',
    'an empty key': '{"":""}',
  };

  it.each(Object.entries(ODD))('arguments with %s reach the tool or are rejected with 400', async (_name, args) => {
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"good","arguments":${args}}}`;
    const { status, body: text } = await world.send({ path: '/servers/old/rpc', headers, body });
    expect([200, 400]).toContain(status);
    expectNothingLeaks(text);
  });
});

describe('session ids in requests', () => {
  afterAll(() => expectGoodService(world));

  const list = { jsonrpc: '2.0', id: 2, method: 'tools/list', params: {} };
  const version = { 'mcp-protocol-version': '2025-11-25' };

  async function sessionAt(endpoint = '/servers/old'): Promise<LegacyRawClient> {
    const client = world.legacy(endpoint);
    await client.connect();
    return client;
  }

  it.each(['POST', 'GET', 'DELETE'] as const)('%s without a session id is rejected with 400', async (verb) => {
    const body = verb === 'POST' ? list : undefined;
    expectRefusal(await world.send({ verb, headers: { ...headers, ...version }, ...(body && { body }) }), 400);
  });

  it.each(['POST', 'GET', 'DELETE'] as const)(
    '%s with a session id that was never issued is answered 404',
    async (verb) => {
      const ids = ['x', 'a'.repeat(4_000), '../../etc/passwd', crypto.randomUUID(), '__proto__', '%00', '"'];
      for (const id of ids) {
        const body = verb === 'POST' ? list : undefined;
        const request = { verb, headers: { ...headers, ...version, 'mcp-session-id': id }, ...(body && { body }) };
        expectRefusal(await world.send(request), 404);
      }
    },
  );

  it('an altered session id is answered like an unknown one', async () => {
    const client = await sessionAt();
    const good = client.headers['mcp-session-id'] ?? '';
    for (const id of [good.slice(0, -1), `${good}A`, good.toUpperCase(), reversed(good)]) {
      const request = {
        path: '/servers/old/mcp',
        headers: { ...headers, ...version, 'mcp-session-id': id },
        body: list,
      };
      expectRefusal(await world.send(request), 404);
    }
    await client.close();
  });

  it("another principal's session is answered like an unknown one", async () => {
    const client = await sessionAt();
    const authorization = `Bearer ${await world.gateway.token({ subject: 'thief@example.com' })}`;
    for (const verb of ['POST', 'GET', 'DELETE'] as const) {
      const body = verb === 'POST' ? list : undefined;
      const request = { verb, path: '/servers/old/mcp', headers: { ...headers, ...client.headers, authorization } };
      expectRefusal(await world.send({ ...request, ...(body && { body }) }), 404);
    }
    expect((await client.request('tools/list')).answers[0]).toHaveProperty('result');
    await client.close();
  });

  it('a session of another endpoint is answered like an unknown one', async () => {
    const client = await sessionAt();
    for (const path of ['/mcp', '/servers/young/mcp']) {
      expectRefusal(await world.send({ path, headers: { ...headers, ...client.headers }, body: list }), 404);
    }
    await client.close();
  });

  it('a deleted session stays deleted', async () => {
    const client = await sessionAt();
    const request = { path: '/servers/old/mcp', headers: { ...headers, ...client.headers } };
    expect((await world.send({ verb: 'DELETE', ...request })).status).toBeLessThan(300);
    expectRefusal(await world.send({ verb: 'DELETE', ...request }), 404);
    expectRefusal(await world.send({ ...request, body: list }), 404);
    await client.close();
  });

  it.each(['1999-01-01', 'latest', '2025-13-40', '9999'])(
    'unknown revision %s is rejected with 400',
    async (revision) => {
      const client = await sessionAt();
      const own = { ...headers, ...client.headers, 'mcp-protocol-version': revision };
      expectRefusal(await world.send({ path: '/servers/old/mcp', headers: own, body: list }), 400);
      await client.close();
    },
  );

  it('a batch is rejected at revisions without batches, and limited in size at revision 2025-03-26', async () => {
    const client = await sessionAt();
    const request = { path: '/servers/old/mcp', headers: { ...headers, ...client.headers } };
    expectRefusal(await world.send({ ...request, body: [ping(1), ping(2)] }), 400, -32600);
    await client.close();
    const older = new LegacyRawClient(`${world.gateway.url}/servers/old/mcp`, {
      token: world.token,
      revision: '2025-03-26',
    });
    await older.connect();
    const many = Array.from({ length: 51 }, (_, index) => ping(index));
    const batch = { path: '/servers/old/mcp', headers: { ...headers, ...older.headers }, body: many };
    expectRefusal(await world.send(batch), 400, -32600);
    await older.close();
  });

  it('an answer to a question that was never sent has no effect', async () => {
    const client = await sessionAt();
    const request = { path: '/servers/old/mcp', headers: { ...headers, ...client.headers } };
    const { status } = await world.send({ ...request, body: { jsonrpc: '2.0', id: 'never-asked', result: {} } });
    expect([202, 400, 404]).toContain(status);
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'never-sent' } };
    expect((await world.send({ ...request, body: cancelled })).status).toBe(202);
    expect((await client.request('ping')).answers[0]).toHaveProperty('result');
    await client.close();
  });

  it('a POST over HTTP+SSE needs the session id of its own stream', async () => {
    const stream = new SseRawClient(`${world.gateway.url}/servers/old/sse`, { token: world.token });
    await stream.connect();
    for (const [query, status] of [
      ['', 400],
      ['?sessionId=unknown', 404],
      ['?sessionId=', 400],
    ] as const) {
      expectRefusal(await world.send({ path: `/servers/old/messages${query}`, headers, body: list }), status);
    }
    expect((await stream.request('tools/list')).answers[0]).toHaveProperty('result');
    await stream.close();
  });
});

const KEY = 'io.modelcontextprotocol/';

describe('headers and request state of the modern era', () => {
  afterAll(() => expectGoodService(world));

  const composed = (params: JsonObject = { name: 'good', arguments: {} }) => {
    const { headers: own, message } = world.modern('/servers/young').compose('tools/call', params);
    return { headers: { ...headers, ...own }, message };
  };
  const send = (own: Record<string, string>, message: JsonObject) =>
    world.send({ path: '/servers/young/mcp', headers: own, body: message });

  it.each([
    ['another version', { 'mcp-protocol-version': '2025-11-25' }],
    ['another method', { 'mcp-method': 'tools/list' }],
    ['another name', { 'mcp-name': 'other' }],
    ['a name that is not valid base64', { 'mcp-name': '=?base64?!!!?=' }],
    ['a method in another case', { 'mcp-method': 'Tools/Call' }],
  ])('a header with %s that differs from the message is answered -32020', async (_name, wrong) => {
    const { headers: own, message } = composed();
    expectRefusal(await send({ ...own, ...wrong }, message), 400, -32020);
  });

  it.each(['mcp-protocol-version', 'mcp-method', 'mcp-name'])(
    'a missing header %s is answered -32020',
    async (name) => {
      const { headers: own, message } = composed();
      const { [name as 'mcp-name']: _left, ...rest } = own as Record<string, string>;
      expectRefusal(await send(rest, message), 400, -32020);
    },
  );

  const metaWith = (change: JsonObject): JsonObject => {
    const { message } = composed();
    const params = message['params'] as JsonObject;
    return { ...message, params: { ...params, _meta: { ...(params['_meta'] as JsonObject), ...change } } };
  };

  it.each<[string, JsonObject]>([
    ['no capabilities', { [`${KEY}clientCapabilities`]: undefined }],
    ['capabilities that are a text', { [`${KEY}clientCapabilities`]: 'all' }],
    ['a log level that does not exist', { [`${KEY}logLevel`]: 'loud' }],
  ])('a request with %s is answered -32602', async (_name, change) => {
    expectRefusal(await send(composed().headers, metaWith(change)), 400, -32602);
  });

  it.each(['2027-01-01', '2999-12-31'])(
    'unsupported revision %s is answered with the supported ones',
    async (revision) => {
      const message = metaWith({ [`${KEY}protocolVersion`]: revision });
      const refusal = await send({ ...composed().headers, 'mcp-protocol-version': revision }, message);
      expectRefusal(refusal, 400, -32022);
      expect(refusal.messages[0]).toMatchObject({
        error: { data: { requested: revision, supported: expect.arrayContaining(['2026-07-28']) } },
      });
    },
  );

  it('an unknown method is answered 404 and -32601', async () => {
    const { headers: own, message } = composed();
    expectRefusal(await send({ ...own, 'mcp-method': 'acme/none' }, { ...message, method: 'acme/none' }), 404, -32601);
  });

  it('a JSON-RPC answer is rejected at modern endpoints', async () => {
    expectRefusal(await send(composed().headers, { jsonrpc: '2.0', id: 1, result: {} }), 400, -32600);
  });
});
