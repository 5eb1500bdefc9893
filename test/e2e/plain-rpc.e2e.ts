import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { JsonObject } from '#lib/mcp-protocol';
import { ModernRawClient } from '#lib/testing/raw-client';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { startGateway, type TestGateway } from '../support/gateway.js';

let servers: Record<'old' | 'young', ReferenceServer>;
let gateway: TestGateway;
let token: string;
let textServer: Server;

beforeAll(async () => {
  servers = {
    old: await startReferenceServer({ era: 'legacy', transport: 'http' }),
    young: await startReferenceServer({ era: 'modern', transport: 'http' }),
  };
  textServer = await startTextServer();
  const { port } = textServer.address() as AddressInfo;
  const entries = Object.entries({
    ...servers,
    dead: { url: await deadUrl() },
    text: { url: `http://127.0.0.1:${port}/mcp` },
  });
  gateway = await startGateway({
    servers: Object.fromEntries(entries.map(([slug, { url }]) => [slug, { transport: 'http', url }])),
  });
  token = await gateway.token();
});

afterAll(async () => {
  await gateway.close();
  await Promise.all(Object.values(servers).map((server) => server.close()));
  textServer.close();
  textServer.closeAllConnections();
});

/** A port without a listener. */
async function deadUrl(): Promise<string> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}/mcp`;
}

const ARGUMENTS = /"arguments":(\{[^}]*\})/;

/** A legacy server whose tool returns its arguments as it received them, character by character. */
async function startTextServer(): Promise<Server> {
  const server = createHttpServer((request, response) => {
    void text(request).then((body) => {
      const { id, method } = (body === '' ? {} : JSON.parse(body)) as { id?: unknown; method?: string };
      const reply = (member: string) =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},${member}}`);
      if (request.method !== 'POST') response.writeHead(405).end();
      else if (id === undefined) response.writeHead(202).end();
      else if (method === 'initialize')
        reply(
          '"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"t","version":"1"}}',
        );
      else if (method === 'tools/list') reply('"result":{"tools":[]}');
      else if (method === 'tools/call')
        reply(`"result":{"content":[],"structuredContent":${ARGUMENTS.exec(body)?.[1] ?? 'null'}}`);
      else reply('"error":{"code":-32601,"message":"Method not found"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function post(message: object, base = '', headers: Record<string, string> = {}) {
  const response = await fetch(`${gateway.url}${base}/rpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify(message),
  });
  const content = await response.text();
  return { status: response.status, headers: response.headers, body: (content && JSON.parse(content)) as JsonObject };
}

const rpc = (method: string, params: JsonObject = {}, base = '') =>
  post({ jsonrpc: '2.0', id: 'mine', method, params }, base);

const callOf = (name: string, args: JsonObject = {}) => rpc('tools/call', { name, arguments: args });

describe('POST /rpc', () => {
  it('passes numbers as they are written, in both directions', async () => {
    const args = '{"a":1.0,"b":[1e400,-0,0.1000000000000000055],"c":12345678901234567890,"d":0.5}';
    const response = await fetch(`${gateway.url}/rpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"text__any","arguments":${args}}}`,
    });
    expect(await response.text()).toContain(`"structuredContent":${args}`);
  });

  it('lists the tools of all servers, with a warning for each unreachable one', async () => {
    const { status, headers, body } = await rpc('tools/list');
    expect({ status, type: headers.get('content-type') }).toEqual({ status: 200, type: 'application/json' });
    const names = ['old__echo', 'young__echo'].map((name) => expect.objectContaining({ name }));
    expect(body).toMatchObject({
      jsonrpc: '2.0',
      id: 'mine',
      result: {
        tools: expect.arrayContaining(names),
        _meta: { 'isthmus/warnings': [{ server: 'dead', code: -31_004 }] },
      },
    });
    const one = await rpc('tools/list', {}, '/servers/young');
    expect(one.body).toMatchObject({
      result: { tools: expect.arrayContaining([expect.objectContaining({ name: 'echo' })]) },
    });
  });

  it.each(['old', 'young'])('calls a tool of the %s server', async (slug) => {
    const { status, body } = await callOf(`${slug}__add`, { a: 1, b: 2 });
    expect(status).toBe(200);
    expect(body).toEqual({
      jsonrpc: '2.0',
      id: 'mine',
      result: { content: [{ type: 'text', text: '{"sum":3}' }], structuredContent: { sum: 3 } },
    });
  });

  it('answers a request with a revision in that revision', async () => {
    const { message } = new ModernRawClient(gateway.url).compose('tools/call', {
      name: 'old__add',
      arguments: { a: 1, b: 2 },
    });
    const { status, body } = await post(message);
    expect({ status, body }).toMatchObject({ status: 200, body: { result: { resultType: 'complete' } } });
  });

  it('omits the messages that precede an answer', async () => {
    const { status, body } = await rpc('tools/call', {
      name: 'old__slow',
      arguments: { durationMs: 2, steps: 2 },
      _meta: { progressToken: 'p' },
    });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { result: { content: [{ text: 'done after 2 steps' }] } },
    });
  });

  it.each(['old', 'young'])('returns the failed result of a tool of the %s server', async (slug) => {
    const { status, body } = await callOf(`${slug}__test_error_handling`);
    expect({ status, body }).toMatchObject({ status: 200, body: { result: { isError: true } } });
  });

  it.each(['old', 'young'])('answers with an error when a tool of the %s server sends a question', async (slug) => {
    const { body } = await callOf(`${slug}__ask_name`);
    const { result } = body;
    if (result === undefined) expect(body).toMatchObject({ error: { code: expect.any(Number) } });
    else expect(result).toMatchObject({ isError: true });
  });

  it.each([
    { asked: 'an unknown tool', status: 400, code: -32_602, ask: () => callOf('old__none') },
    { asked: 'a tool of no server', status: 400, code: -32_602, ask: () => callOf('none') },
    {
      asked: 'an unknown resource',
      status: 404,
      code: -32_002,
      ask: () => rpc('resources/read', { uri: 'old+test://none' }),
    },
    { asked: 'an unknown method', status: 404, code: -32_601, ask: () => rpc('tools/none') },
    {
      asked: 'a method that needs a session',
      status: 404,
      code: -32_601,
      ask: () => rpc('resources/subscribe', { uri: 'x' }),
    },
    { asked: 'an unreachable server', status: 502, code: -31_004, ask: () => callOf('dead__echo') },
    { asked: 'a batch', status: 400, code: -32_600, ask: () => post([{ jsonrpc: '2.0', id: 1, method: 'ping' }]) },
    { asked: 'an object that is not JSON-RPC', status: 400, code: -32_600, ask: () => post({ hello: 'world' }) },
    { asked: 'an unknown endpoint', status: 404, code: -32_600, ask: () => rpc('ping', {}, '/servers/none') },
  ])('answers a request for $asked with $status', async ({ status, code, ask }) => {
    expect(await ask()).toMatchObject({
      status,
      body: { jsonrpc: '2.0', error: { code, message: expect.any(String) } },
    });
  });

  it("returns a server's own error unchanged", async () => {
    const { body } = await callOf('old__throw_error', { code: -31_999, message: 'so it is' });
    expect(body).toMatchObject({ id: 'mine', error: { code: -31_999, data: { thrownBy: 'throw_error' } } });
  });

  it('accepts a notification', async () => {
    expect(await post({ jsonrpc: '2.0', method: 'notifications/initialized' })).toMatchObject({
      status: 202,
      body: '',
    });
  });

  it('rejects other verbs than POST', async () => {
    const response = await fetch(`${gateway.url}/rpc`, { headers: { authorization: `Bearer ${token}` } });
    expect({ status: response.status, allow: response.headers.get('allow') }).toEqual({ status: 405, allow: 'POST' });
  });
});
