import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { remoteServer, type SentRequest } from '../../test/support/fake-upstream.js';
import { HttpWorld, MODERN, modern } from '../../test/support/http-world.js';

/** Requests that many clients send although the specification does not allow them, at every transport. */
const A = '/servers/a';
const JSON_ONLY = { accept: 'application/json' };
const PROGRESS = { method: 'notifications/progress', params: { progress: 1 } };

let world: HttpWorld;
let sent: SentRequest[];

beforeAll(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open(
    ['a', 'modern', 'without-logging'].map((slug) => remoteServer(slug)),
    { ISTHMUS_KEEP_ALIVE: '100ms' },
  );
  world.connector.eras.set('modern', 'modern');
  world.connector.capabilities.set('without-logging', { tools: {} });
});

beforeEach(() => {
  sent = [];
  world.connector.respond = (received) => {
    sent.push(received);
    return result(received.request.method === 'tools/list' ? { tools: [] } : { content: [] });
  };
});

afterAll(() => world.close());

const request = (method: string, params: JsonValue, id: JsonValue = 1) => ({ jsonrpc: '2.0', id, method, params });

/** Resolves when the gateway has sent keep-alive comments on every stream that is open now. */
async function passKeepAlive(): Promise<void> {
  const abort = new AbortController();
  const later = await world.stream('GET', '/sse', { signal: abort.signal });
  await later.comment();
  abort.abort();
}

/** Sends a message by each transport and returns its answer. */
const TRANSPORTS: Readonly<Record<string, (base: string, message: JsonObject) => Promise<JsonObject>>> = {
  'streamable HTTP': async (base, message) =>
    (await world.post(`${base}/mcp`, message, { headers: await world.session(`${base}/mcp`) })).json,
  'plain JSON-RPC': async (base, message) => (await world.post(`${base}/rpc`, message)).json,
  'HTTP+SSE': async (base, message) => {
    const abort = new AbortController();
    const stream = await world.stream('GET', `${base}/sse`, { signal: abort.signal });
    const posted = await world.post((await stream.next())?.data ?? '', message);
    const answer = posted.status === 202 ? await stream.message() : posted.json;
    abort.abort();
    return answer;
  },
  'streamable HTTP, modern': async (base, message) => {
    const { method, params } = message;
    const sending = modern(1, method as string, (params ?? {}) as JsonObject);
    return (await world.post(`${base}/mcp`, sending.message, sending)).json;
  },
};

describe.each(Object.entries(TRANSPORTS))('a request over %s', (name, send) => {
  it.each(['', A])('counts null as absent at %s', async (base) => {
    expect(await send(base, request('tools/list', { cursor: null, _meta: null }))).toMatchObject({
      result: { tools: [] },
    });
    const tool = base === '' ? 'a__x' : 'x';
    const params = { name: tool, arguments: { kept: null, below: { kept: null } }, task: null };
    expect(await send(base, request('tools/call', params))).toMatchObject({ result: { content: [] } });
    const call = sent.findLast(({ request: { method } }) => method === 'tools/call');
    expect(call?.request.params).toMatchObject({ name: 'x', arguments: params.arguments });
    expect(Object.keys(call?.request.params ?? {})).not.toContain('task');
    for (const { request: upstream } of sent) expect(upstream.params['cursor']).toBeUndefined();
  });

  it('counts null params as absent', async () => {
    expect(await send('', request('tools/list', null))).toMatchObject({ result: { tools: [] } });
  });

  it('is answered with -32602 when a call or a prompt has no name', async () => {
    for (const method of ['tools/call', 'prompts/get'])
      for (const params of [{}, { name: null }, { name: 5 }])
        expect({ name, params, ...(await send(A, request(method, params))) }).toMatchObject({
          error: { code: -32602, message: expect.stringContaining('params.name') },
        });
    expect(sent.filter(({ request: { method } }) => !method.endsWith('/list'))).toEqual([]);
  });
});

describe('a client that accepts JSON only', () => {
  it('opens a session and is answered with JSON, whatever precedes the answer', async () => {
    const opened = await world.post(
      `${A}/mcp`,
      request('initialize', { protocolVersion: '2025-06-18', capabilities: {} }),
      {
        headers: JSON_ONLY,
      },
    );
    const session = opened.headers.get('mcp-session-id') ?? '';
    const answered = Promise.withResolvers<void>();
    world.connector.respond = async ({ reply }) => {
      await reply.notify(PROGRESS);
      await answered.promise;
      return result({ content: [] });
    };
    const headers = { ...JSON_ONLY, 'mcp-session-id': session };
    const answer = world.post(`${A}/mcp`, request('tools/call', { name: 'x' }), { headers });
    await passKeepAlive();
    answered.resolve();
    expect(await answer).toMatchObject({ status: 200, json: { id: 1, result: { content: [] } } });
    expect((await answer).headers.get('content-type')).toBe('application/json');
  });

  it('of the modern era is answered with JSON, whatever precedes the answer', async () => {
    const { message, headers } = modern(1, 'tools/call', { name: 'x' });
    world.connector.respond = async ({ request: { method }, reply }) => {
      if (method !== 'tools/call') return result({ tools: [] });
      await reply.notify(PROGRESS);
      await passKeepAlive();
      return result({ content: [] });
    };
    const answer = await world.post('/servers/modern/mcp', message, { headers: { ...headers, ...JSON_ONLY } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(answer.json).toMatchObject({ id: 1, result: { content: [] } });
  });

  it('is rejected with 406 for a subscription, which needs a stream', async () => {
    const { message, headers } = modern(7, 'subscriptions/listen', { notifications: { toolsListChanged: true } });
    expect(await world.post('/mcp', message, { headers: { ...headers, ...JSON_ONLY } })).toMatchObject({
      status: 406,
      json: { id: 7, error: { message: expect.stringContaining('text/event-stream') } },
    });
  });

  it('receives a question nevertheless, because its call waits for the answer', async () => {
    world.connector.respond = async ({ reply, signal }) => {
      await reply.answerQuestion(
        { method: 'elicitation/create', params: { message: 'a', requestedSchema: {} } },
        signal,
      );
      return result({ content: [] });
    };
    const headers = { ...(await world.session(`${A}/mcp`)), ...JSON_ONLY };
    const stream = await world.stream('POST', `${A}/mcp`, { headers }, request('tools/call', { name: 'x' }));
    const question = await stream.message();
    expect(question).toMatchObject({ method: 'elicitation/create' });
    await world.post(
      `${A}/mcp`,
      { jsonrpc: '2.0', id: question['id'] ?? 0, result: { action: 'cancel' } },
      { headers },
    );
    expect(await stream.rest()).toContainEqual(expect.objectContaining({ id: 1, result: { content: [] } }));
  });
});

describe('an error whose request has no readable id', () => {
  const send = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const response = await fetch(world.url + path, {
      method: 'POST',
      headers: { ...world.authorization, 'content-type': 'application/json', ...headers },
      body,
    });
    return { status: response.status, json: (await response.json()) as JsonValue };
  };

  it.each(['/mcp', '/rpc', `${A}/mcp`, '/messages?sessionId=x'])('has the id null at %s', async (path) => {
    for (const body of [
      '{',
      '',
      '5',
      '{"jsonrpc":"2.0","id":null,"method":"ping"}',
      '{"jsonrpc":"2.0","id":[],"method":"ping"}',
    ]) {
      const { status, json } = await send(path, body);
      expect([body, status, json]).toEqual([body, 400, { jsonrpc: '2.0', id: null, error: expect.anything() }]);
    }
  });

  it('has the id null when the caller, the endpoint or the session is refused before the body is read', async () => {
    const ping = JSON.stringify(request('ping', {}));
    for (const [path, headers] of [
      ['/mcp', { authorization: 'Bearer x' }],
      ['/servers/unknown/mcp', {}],
      ['/mcp', { 'content-type': 'text/plain' }],
    ] as const)
      expect((await send(path, ping, headers)).json).toMatchObject({ id: null, error: {} });
  });

  it('has the id of the request if that could be read', async () => {
    expect((await send('/rpc', '{"jsonrpc":"2.0","id":5,"method":7}')).json).toMatchObject({ id: 5, error: {} });
  });

  it('stands beside the answers to the other messages of a batch', async () => {
    const headers = await world.session(`${A}/mcp`, '2025-03-26');
    const batch = `[1, ${JSON.stringify(request('tools/call', { name: 'x' }, 'two'))}, {"jsonrpc":"2.0","id":3}]`;
    expect(await send(`${A}/mcp`, batch, headers)).toEqual({
      status: 200,
      json: expect.arrayContaining([
        { jsonrpc: '2.0', id: null, error: expect.objectContaining({ code: -32600 }) },
        { jsonrpc: '2.0', id: 'two', result: { content: [] } },
        { jsonrpc: '2.0', id: 3, error: expect.objectContaining({ code: -32600 }) },
      ]),
    });
    expect(await send(`${A}/mcp`, '[1]', headers)).toMatchObject({ status: 400, json: [{ id: null, error: {} }] });
  });
});

describe('an error', () => {
  it('names the log level that does not exist', async () => {
    const headers = await world.session(`${A}/mcp`);
    const { json } = await world.post(`${A}/mcp`, request('logging/setLevel', { level: 'loud' }), { headers });
    expect(json).toMatchObject({ error: { code: -32602, message: expect.stringMatching(/"loud".*debug, info/) } });
  });

  it('names the capability that the server lacks', async () => {
    const headers = await world.session('/servers/without-logging/mcp');
    const { json } = await world.post('/servers/without-logging/mcp', request('logging/setLevel', { level: 'info' }), {
      headers,
    });
    expect(json).toMatchObject({ error: { code: -32601, message: expect.stringContaining('capability logging') } });
  });

  it('lists the supported revisions to a client of either era', async () => {
    const session = await world.session(`${A}/mcp`);
    const older = { ...session, 'mcp-protocol-version': '1999-01-01' };
    const { message } = modern(1, 'tools/list');
    const meta = { ...message.params._meta, 'io.modelcontextprotocol/protocolVersion': '2027-01-01' };
    const newer = { 'mcp-protocol-version': '2027-01-01', 'mcp-method': 'tools/list' };
    for (const answer of [
      await world.post(`${A}/mcp`, request('tools/list', {}), { headers: older }),
      await world.post(`${A}/mcp`, request('tools/list', {}), { headers: newer }),
      await world.post(`${A}/mcp`, { ...message, params: { _meta: meta } }, { headers: newer }),
    ])
      expect(answer).toMatchObject({
        status: 400,
        json: {
          id: 1,
          error: { message: expect.stringMatching(new RegExp(`Unsupported protocol version.*${MODERN}.*2025`)) },
        },
      });
  });

  it('names every header that does not match', async () => {
    const { message } = modern(1, 'tools/call', { name: 'x' });
    const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/list', 'mcp-name': 'y' };
    expect(await world.post(`${A}/mcp`, message, { headers })).toMatchObject({
      status: 400,
      json: { error: { code: -32020, message: expect.stringMatching(/Mcp-Method.*Mcp-Name/) } },
    });
  });
});
