import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError, type CallRecord } from '#lib/extension-kit';
import { failure, result, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { remoteServer, unreachable } from '../../test/support/fake-upstream.js';
import { HttpWorld, LEGACY, MODERN, modern } from '../../test/support/http-world.js';
import { FailureDetails } from '../upstream/index.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;
const CALL = { name: 'a__pay', arguments: { amount: 5 } };
const DENIED = { slug: 'no', effect: 'deny', tools: ['pay'], when: 'args.amount > 100' } as const;

let world: HttpWorld;

beforeAll(async () => {
  Logger.overrideLogger(false);
  world = await HttpWorld.open(
    [remoteServer('a'), remoteServer('m'), remoteServer('down')],
    {},
    { policies: [DENIED] },
  );
  world.connector.eras.set('m', 'modern');
  world.connector.beforeOpening = async (server) => {
    if (server.slug !== 'down') return;
    world.get(FailureDetails).record(server, 'The program "down" does not exist.');
    throw new OutcomeError(unreachable('down'));
  };
});

afterEach(() => {
  world.connector.respond = () => result({});
  world.records.length = 0;
});

afterAll(async () => {
  await world.close();
  Logger.overrideLogger(['fatal', 'error', 'warn', 'log']);
});

const legacy = (id: number, method: string, params: JsonObject = {}) => ({ jsonrpc: '2.0', id, method, params });

async function callModern(params: JsonObject = CALL, headers: Record<string, string> = {}) {
  const call = modern(1, 'tools/call', params);
  return world.post('/mcp', call.message, { headers: { ...call.headers, ...headers } });
}

/** The only record since the last call of this function. */
function onlyRecord(): CallRecord {
  const [record, ...others] = world.records.splice(0);
  expect(others).toEqual([]);
  if (!record) throw new Error('There is no record.');
  return record;
}

const EXECUTED = {
  principal: expect.objectContaining({ subject: 'me' }),
  endpoint: 'default',
  server: 'a',
  serverEra: 'legacy',
  method: 'tools/call',
  item: 'pay',
  outcome: 'executed',
  code: undefined,
  httpStatus: 200,
  hasClientLeft: false,
};

describe('the record of a call', () => {
  it('describes a modern client, with the trace of the client', async () => {
    const meta = { traceparent: TRACEPARENT };
    const call = modern(1, 'tools/call', { ...CALL, name: 'm__pay' });
    const message = {
      ...call.message,
      params: { ...call.message.params, _meta: { ...call.message.params._meta, ...meta } },
    };
    const { json } = await world.post('/mcp', message, call);
    const record = onlyRecord();
    expect(record).toMatchObject({
      ...EXECUTED,
      transport: 'mcp',
      clientEra: 'modern',
      server: 'm',
      serverEra: 'modern',
    });
    expect(record).toMatchObject({ clientRevision: MODERN, traceId: TRACE_ID, session: undefined });
    expect(record.bytesIn).toBe(Buffer.byteLength(JSON.stringify(message)));
    expect(record.bytesOut).toBe(Buffer.byteLength(JSON.stringify(json)));
  });

  it('describes a legacy client, with a fingerprint of its session', async () => {
    const headers = await world.session();
    expect(onlyRecord()).toMatchObject({ method: 'initialize', outcome: 'executed', clientRevision: LEGACY });
    await world.post('/mcp', legacy(1, 'tools/call', CALL), { headers: { ...headers, traceparent: TRACEPARENT } });
    const record = onlyRecord();
    expect(record).toMatchObject({ ...EXECUTED, transport: 'mcp', clientEra: 'legacy', traceId: TRACE_ID });
    expect(record.session).toMatch(/^[\w-]{12}$/);
    expect(headers['mcp-session-id']).not.toContain(record.session);
  });

  it('exists for each request of a batch', async () => {
    const headers = await world.session('/mcp', '2025-03-26');
    world.records.length = 0;
    const batch = [
      legacy(1, 'tools/call', CALL),
      legacy(2, 'tools/call', { name: 'a__other' }),
      { jsonrpc: '2.0', method: 'notifications/initialized' },
    ];
    await world.post('/mcp', batch, { headers });
    expect(new Set(world.records.map(({ item }) => item))).toEqual(new Set(['other', 'pay']));
    expect(world.records).toHaveLength(2);
    expect(world.records.map(({ bytesIn }) => bytesIn)).toEqual([undefined, undefined]);
    world.records.length = 0;
    await world.post('/mcp', batch, { headers: { ...headers, 'mcp-session-id': 'unknown' } });
    expect(world.records).toMatchObject([
      { method: 'tools/call', outcome: 'not_executed', httpStatus: 404 },
      { method: 'tools/call', outcome: 'not_executed', httpStatus: 404 },
    ]);
  });

  it('exists for each malformed member of a batch', async () => {
    const headers = await world.session('/mcp', '2025-03-26');
    const malformed = { ...EXECUTED, server: undefined, item: undefined, serverEra: undefined, method: undefined };
    const refused = { ...malformed, outcome: 'not_executed', code: -32600, httpStatus: 400, clientEra: 'legacy' };
    world.records.length = 0;
    await world.post('/mcp', [{ jsonrpc: '2.0', id: 1 }, 7], { headers });
    expect(world.records.splice(0)).toMatchObject([refused, refused]);
    await world.post('/mcp', [7, legacy(1, 'tools/call', CALL)], { headers });
    expect(world.records.splice(0)).toMatchObject([refused, EXECUTED]);
    await world.post('/mcp', [7], { headers: { ...headers, 'mcp-session-id': 'unknown' } });
    expect(onlyRecord()).toMatchObject({ method: undefined, outcome: 'not_executed', httpStatus: 404 });
    await world.post('/mcp', [], { headers });
    expect(onlyRecord()).toMatchObject({ method: undefined, outcome: 'not_executed', httpStatus: 400 });
  });

  it('describes plain JSON-RPC', async () => {
    await world.post('/rpc', legacy(1, 'tools/call', CALL));
    expect(onlyRecord()).toMatchObject({ ...EXECUTED, transport: 'rpc', clientEra: 'legacy' });
    await world.post('/rpc', legacy(1, 'logging/setLevel'));
    expect(onlyRecord()).toMatchObject({ outcome: 'not_executed', code: -32601, httpStatus: 404 });
  });

  it('describes HTTP+SSE', async () => {
    const stream = await world.stream('GET', '/sse', { headers: { accept: 'text/event-stream' } });
    const endpoint = await stream.next();
    expect(world.records).toEqual([]);
    await world.post(String(endpoint?.data), legacy(1, 'tools/call', CALL));
    await world.until(() => world.records.length > 0);
    expect(onlyRecord()).toMatchObject({ ...EXECUTED, transport: 'sse', clientEra: 'legacy', httpStatus: 202 });
    await stream.cancel();
  });

  it('tells a server’s own error from an error of the gateway', async () => {
    world.connector.respond = () => failure({ code: -32602, message: 'no such account: SECRET' });
    await callModern();
    expect(onlyRecord()).toMatchObject({ outcome: 'executed', code: -32602, isGatewayError: false, reason: undefined });
    world.connector.respond = () => result({ isError: true, content: [] });
    await callModern();
    expect(onlyRecord()).toMatchObject({ outcome: 'executed', code: undefined, isToolError: true });
    world.connector.respond = () => unreachable('a');
    const { json } = await callModern();
    const { requestId } = (json['error'] as { data: { requestId: string } }).data;
    expect(onlyRecord()).toMatchObject({
      requestId,
      outcome: 'not_executed',
      code: -31004,
      isGatewayError: true,
      reason: 'Upstream could not be reached',
      server: 'a',
    });
  });

  it('names the server that could not be reached at all', async () => {
    const { json } = await callModern({ ...CALL, name: 'down__pay' });
    expect(onlyRecord()).toMatchObject({
      server: 'down',
      item: 'pay',
      outcome: 'not_executed',
      code: -31004,
      serverEra: undefined,
      detail: 'The program "down" does not exist.',
    });
    expect(JSON.stringify(json)).not.toContain('program');
  });

  it('has no detail of an earlier failure of the server', async () => {
    world.get(FailureDetails).record(remoteServer('a'), 'The disk is full.');
    const recordedAt = Date.now();
    await world.until(() => Date.now() > recordedAt);
    world.connector.respond = () => failure({ code: -31002, message: 'unknown' }, 504);
    await callModern();
    expect(onlyRecord()).toMatchObject({ server: 'a', code: -31002, detail: undefined });
  });

  it('says that the client disconnected', async () => {
    const open = Promise.withResolvers<void>();
    world.connector.respond = () => {
      open.resolve();
      return new Promise(() => undefined);
    };
    const { message, headers } = modern(1, 'tools/call', CALL);
    const control = new AbortController();
    const answer = world.request('POST', '/mcp', { headers, signal: control.signal }, message);
    await open.promise;
    control.abort();
    await expect(answer).rejects.toThrow();
    await world.until(() => world.records.length > 0);
    expect(onlyRecord()).toMatchObject({ hasClientLeft: true, outcome: 'unknown', httpStatus: undefined });
  });

  it('adds up: the shares of the gateway, the server and the client are the whole time', async () => {
    await callModern();
    const { totalMs, ownMs, serverMs, clientMs } = onlyRecord();
    expect(ownMs + serverMs + clientMs).toBeCloseTo(totalMs);
    expect(Math.min(ownMs, serverMs)).toBeGreaterThan(0);
  });

  it('links a parked call and its repetition', async () => {
    world.connector.respond = async ({ reply, signal }) => {
      await reply.answerQuestion(
        { method: 'elicitation/create', params: { message: '?', requestedSchema: {} } },
        signal,
      );
      return result({ content: [] });
    };
    const call = modern(1, 'tools/call', CALL);
    const _meta = {
      ...call.message.params._meta,
      'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
    };
    const send = (more: JsonObject = {}) =>
      world.post('/mcp', { ...call.message, params: { ...CALL, ...more, _meta } }, call);
    const { requestState, inputRequests } = (await send()).json['result'] as Record<string, JsonValue>;
    const first = onlyRecord();
    const [question = ''] = Object.keys(inputRequests as JsonObject);
    await send({
      requestState: requestState ?? null,
      inputResponses: { [question]: { action: 'accept', content: {} } },
    });
    const second = onlyRecord();
    expect(first).toMatchObject({ outcome: 'executed', parkedCall: expect.any(String), serverEra: 'legacy' });
    expect(second).toMatchObject({ ...EXECUTED, parkedCall: first.parkedCall, forwardedTo: undefined });
    expect(second.requestId).not.toBe(first.requestId);
  });
});

describe('the record of a refused request', () => {
  it('names the caller, the server and the tool of a denied call', async () => {
    const { json } = await callModern({ ...CALL, arguments: { amount: 500 } });
    const { requestId } = (json['error'] as { data: { requestId: string } }).data;
    expect(onlyRecord()).toMatchObject({
      ...EXECUTED,
      requestId,
      serverEra: undefined,
      outcome: 'not_executed',
      code: -31009,
    });
  });

  it('exists for an item that does not exist', async () => {
    await callModern({ name: 'nowhere__pay' });
    expect(onlyRecord()).toMatchObject({
      server: undefined,
      item: 'nowhere__pay',
      outcome: 'not_executed',
      code: -32602,
    });
  });

  it('exists for a session that is unknown', async () => {
    const headers = { 'mcp-session-id': 'unknown' };
    await world.post('/mcp', legacy(1, 'tools/call', CALL), { headers });
    expect(onlyRecord()).toMatchObject({ method: 'tools/call', outcome: 'not_executed', httpStatus: 404 });
    await world.post('/mcp', { jsonrpc: '2.0', method: 'notifications/initialized' }, { headers });
    expect(world.records).toEqual([]);
  });

  it('exists for an unknown endpoint and an unreadable body, which name no method', async () => {
    await world.post('/servers/nowhere/mcp', legacy(1, 'tools/list'));
    expect(onlyRecord()).toMatchObject({ endpoint: 'nowhere', method: undefined, httpStatus: 404 });
    await world.post('/mcp', 'no message');
    expect(onlyRecord()).toMatchObject({ method: undefined, httpStatus: 400, principal: { subject: 'me' } });
  });

  it('exists without a valid token, with the method that a header names', async () => {
    const authorization = 'Bearer x';
    await world.post('/mcp', legacy(1, 'tools/call', CALL), { headers: { authorization } });
    expect(onlyRecord()).toMatchObject({ method: undefined, principal: undefined, httpStatus: 401 });
    await callModern(CALL, { authorization });
    expect(onlyRecord()).toMatchObject({ method: 'tools/call', principal: undefined, httpStatus: 401 });
  });

  it('exists for a foreign web page, at MCP endpoints only', async () => {
    await callModern(CALL, { origin: 'https://evil.example' });
    expect(onlyRecord()).toMatchObject({
      method: 'tools/call',
      outcome: 'not_executed',
      code: -31009,
      httpStatus: 403,
    });
    await world.post('/admin/v1/tokens', {}, { headers: { origin: 'https://evil.example' } });
    expect(world.records).toEqual([]);
  });

  it('does not exist for requests that are no calls', async () => {
    for (const verb of ['GET', 'DELETE', 'PUT']) await world.request(verb, '/mcp');
    expect(world.records).toEqual([]);
  });
});
