/** Bad input in methods and params: rejected with the documented code, over every transport. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { SseRawClient, type RawAnswer } from '#lib/testing/raw-client';
import {
  BadInputWorld,
  expectGoodService,
  expectNothingLeaks,
  INITIALIZE,
  LEGACY_HEADERS,
} from '../support/bad-input.js';

let world: BadInputWorld;

beforeAll(async () => {
  world = await BadInputWorld.start();
});

afterAll(async () => {
  await world?.close();
});

const headers = LEGACY_HEADERS;

describe('invalid methods and params', () => {
  afterAll(() => expectGoodService(world));

  const WRONG: [string, JsonObject, number][] = [
    ['acme/none', {}, -32601],
    ['__proto__', {}, -32601],
    ['constructor', {}, -32601],
    ['tools/call', {}, -32602],
    ['tools/call', { name: 7 }, -32602],
    ['tools/call', { name: null }, -32602],
    ['tools/call', { name: ['good'] }, -32602],
    ['tools/call', { name: 'no-such-server__good' }, -32602],
    ['tools/call', { name: 'good' }, -32602],
    ['tools/call', { name: '__proto__' }, -32602],
    ['tools/call', { name: 'old\n__good' }, -32602],
    ['tools/list', { cursor: 'made-up' }, -32602],
    ['tools/list', { cursor: 7 }, -32602],
    ['prompts/get', {}, -32602],
    ['prompts/get', { name: 'no-such-server__x' }, -32602],
    ['resources/read', {}, -32602],
    ['resources/read', { uri: 7 }, -32602],
    ['completion/complete', {}, -32602],
    ['completion/complete', { ref: 'x' }, -32602],
    ['completion/complete', { ref: {} }, -32602],
  ];

  const codeOf = (answer: RawAnswer): unknown => (answer.answers[0]?.['error'] as JsonObject | undefined)?.['code'];

  it.each(WRONG)('%s with params %j is answered %i', async (method, params, code) => {
    for (const client of [world.legacy(), world.modern()]) {
      await client.connect();
      const answer = await client.request(method, params);
      await client.close();
      expect(answer.answers).toHaveLength(1);
      expect(answer.answers[0]?.['id']).toBe(answer.id);
      // A modern request without a name also lacks the header that mirrors it; either error is correct.
      expect(client.transport === 'modern' ? [code, -32020] : [code]).toContain(codeOf(answer));
      expect(answer.status).toBeLessThan(500);
      expectNothingLeaks(answer.body);
    }
    const refusal = await world.send({ path: '/rpc', headers, body: { jsonrpc: '2.0', id: 1, method, params } });
    expect(refusal.status).toBeLessThan(500);
    expect(refusal.messages[0]).toMatchObject({ id: 1, error: { code } });
  });

  it.each([
    ['a tool', 'tools/call'],
    ['a prompt', 'prompts/get'],
    ['a resource', 'resources/read'],
    ['a method', 'x'.repeat(100_000)],
  ])('an overlong name of %s is not repeated completely in the error', async (_what, method) => {
    const long = 'y'.repeat(100_000);
    const body = { jsonrpc: '2.0', id: 1, method, params: { name: long, uri: long } };
    const refusal = await world.send({ path: '/rpc', headers, body });
    expect(refusal.status).toBeLessThan(500);
    expect(refusal.messages[0]).toMatchObject({ id: 1, error: { code: expect.any(Number) } });
    expect(refusal.body.length).toBeLessThan(10_000);
  });

  it.each<[string, string, JsonObject, number]>([
    ['a line break', 'acme/a\r\nb', {}, -32601],
    ['ideographs', 'acme/検索', {}, -32601],
    ['100,000 characters', 'x'.repeat(100_000), {}, -32601],
    ['the name of a tool with 10,000 characters', 'tools/call', { name: 'y'.repeat(10_000) }, -32602],
    ['the name of a prompt with 10,000 characters', 'prompts/get', { name: 'y'.repeat(10_000) }, -32602],
    ['a URI with 10,000 characters', 'resources/read', { uri: `file:///${'y'.repeat(10_000)}` }, -32602],
    ['a reference with 10,000 characters', 'completion/complete', { ref: { uri: 'y'.repeat(10_000) } }, -32602],
  ])('a request with %s is not sent to a server of either era', async (_what, method, params, code) => {
    const before = [world.servers.old, world.servers.young].map(({ counters }) => counters.arrivals.length);
    for (const slug of ['old', 'young']) {
      const body = { jsonrpc: '2.0', id: 1, method, params };
      const refusal = await world.send({ path: `/servers/${slug}/rpc`, headers, body });
      expect(refusal.messages[0]).toMatchObject({ id: 1, error: { code } });
    }
    expect([world.servers.old, world.servers.young].map(({ counters }) => counters.arrivals.length)).toEqual(before);
  });

  it.each([{ level: 'loud' }, { level: 7 }, {}])(
    'logging/setLevel with params %j is answered -32602',
    async (params) => {
      const client = world.legacy('/servers/old');
      await client.connect();
      const code = codeOf(await client.request('logging/setLevel', params));
      expect([-32602, -32601]).toContain(code);
      await client.close();
    },
  );

  const HANDSHAKES: JsonObject[] = [
    {},
    { protocolVersion: 7 },
    { protocolVersion: '1999-01-01', capabilities: {} },
    { protocolVersion: '2025-11-25', capabilities: 'all', clientInfo: 'me' },
    { protocolVersion: null, capabilities: null, clientInfo: null },
  ];

  it.each(HANDSHAKES)(
    'initialize with params %j is negotiated or rejected without an internal error',
    async (params) => {
      const { status, body, messages } = await world.send({ headers, body: { ...INITIALIZE, params } });
      expect([200, 400]).toContain(status);
      expect(messages).toHaveLength(1);
      expectNothingLeaks(body);
    },
  );

  it.each([
    ...HANDSHAKES.map((params): [string, JsonObject] => ['initialize', params]),
    ...WRONG.map(([method, params]): [string, JsonObject] => [method, params]),
  ])('%s with params %j over HTTP+SSE is answered once, on the stream', async (method, params) => {
    const client = new SseRawClient(`${world.gateway.url}/sse`, {
      token: world.token,
      timeoutMs: scaleDeadline(2_000),
    });
    await (method === 'initialize' ? client.open() : client.connect());
    const answer = await client.request(method, params);
    expect(answer.status).toBeLessThan(300);
    expect(answer.answers).toHaveLength(1);
    expect(answer.answers[0]?.['id']).toBe(answer.id);
    await client.request('ping');
    expect(client.surplus).toEqual([]);
    await client.close();
  });
});
