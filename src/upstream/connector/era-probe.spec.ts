import { afterEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { ConnectorHarness, NEVER, httpServer, RecordedReply, toResultText, toolCall } from './connector-fixture.js';
import {
  answerLegacyHandshake,
  answerDiscovery,
  startScriptedServer,
  type ScriptedServer,
  type ReceivedRequest,
} from './scripted-server.js';

const TEXT = { content: [{ type: 'text', text: 'done' }] };
const failure = (code: number, data?: object) => ({ jsonrpc: '2.0', id: null, error: { code, message: 'No', data } });

let bench: ConnectorHarness;
const servers: ScriptedServer[] = [];

async function serve(script: (visit: ReceivedRequest) => void): Promise<ScriptedServer> {
  const server = await startScriptedServer(script);
  servers.push(server);
  bench = new ConnectorHarness();
  return server;
}

afterEach(async () => {
  await bench.close();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const methodsOf = (server: ScriptedServer): unknown[] => server.requests.map(({ message }) => message['method']);

describe('the era of a server that is not cached', () => {
  it('is resolved by one discovery request for concurrent callers', async () => {
    const server = await serve((visit) => void answerDiscovery(visit));
    const eras = await Promise.all([1, 2, 3].map(() => bench.resolveEra(httpServer(server.url))));
    await bench.open(httpServer(server.url));
    expect(eras).toEqual(['modern', 'modern', 'modern']);
    expect(methodsOf(server)).toEqual(['server/discover']);
    expect(server.requests[0]?.headers).toMatchObject({
      'mcp-method': 'server/discover',
      'mcp-protocol-version': '2026-07-28',
      accept: 'application/json, text/event-stream',
    });
  });

  it.each<[string, (visit: ReceivedRequest) => void]>([
    ['404 without a body', (visit) => visit.empty(404)],
    ['400 with a text', (visit) => void visit.response.writeHead(400).end('Bad Request')],
    ['400 with an error of its own', (visit) => visit.json(failure(-32000), 400)],
    ['-32601', (visit) => visit.json({ ...failure(-32601), id: visit.message['id'] })],
    ['-32602', (visit) => visit.json({ ...failure(-32602), id: visit.message['id'] })],
    ['-32022 without a list', (visit) => visit.json(failure(-32022), 400)],
    ['an empty result', (visit) => visit.result({})],
    ['HTML', (visit) => void visit.response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
    ['500 with a JSON-RPC error', (visit) => visit.json(failure(-32603), 500)],
    ['older revisions only', (visit) => visit.json(failure(-32022, { supported: ['2025-11-25'] }), 400)],
  ])('is legacy when the server answers discovery with %s', async (_what, answerProbe) => {
    const server = await serve((visit) => {
      if (visit.message['method'] === 'server/discover') answerProbe(visit);
      else if (!answerLegacyHandshake(visit)) visit.result(TEXT);
    });
    expect(await bench.resolveEra(httpServer(server.url))).toBe('legacy');
    const connection = await bench.open(httpServer(server.url));
    expect(toResultText(await connection.request(toolCall('any'), new RecordedReply(), NEVER))).toBe('done');
  });

  it.each([401, 403, 408, 429, 500, 502, 503])(
    'stays unresolved when the server answers discovery with HTTP %d',
    async (status) => {
      const server = await serve((visit) => visit.empty(status));
      await expect(bench.resolveEra(httpServer(server.url))).rejects.toMatchObject({
        code: -31004,
        data: { outcome: 'not_executed', httpStatus: status, server: 'subject' },
      });
      server.setScript((visit) => void answerDiscovery(visit));
      expect(await bench.resolveEra(httpServer(server.url))).toBe('modern');
    },
  );

  it('is not legacy when the server supports unknown newer revisions only; opening fails', async () => {
    const server = await serve((visit) => visit.json(failure(-32022, { supported: ['2099-01-01'] }), 400));
    await expect(bench.open(httpServer(server.url))).rejects.toMatchObject({
      code: -31004,
      message: expect.stringContaining('2099-01-01'),
      data: { outcome: 'not_executed', retriable: false },
    });
    expect(methodsOf(server)).toEqual(['server/discover']);
  });

  it('stays unresolved when the server does not answer in time, and nothing was executed', async () => {
    const server = await serve(() => undefined);
    const definition = httpServer(server.url, { timeouts: { connectMs: 200, requestMs: 5_000 } });
    await expect(bench.open(definition)).rejects.toMatchObject({ code: -31004, data: { outcome: 'not_executed' } });
  });

  it('rejects as not executed for a caller that cancels', async () => {
    const server = await serve(() => undefined);
    const controller = new AbortController();
    const era = bench.resolveEra(httpServer(server.url), controller.signal);
    await server.waitForRequest(() => true);
    controller.abort();
    await expect(era).rejects.toMatchObject({ code: -31004, data: { outcome: 'not_executed' } });
  });
});

describe('opening a session with a legacy server', () => {
  it.each([400, 404, 405])(
    'falls back to HTTP+SSE after a POST was answered with %d and caches that',
    async (status) => {
      let events: ReturnType<ReceivedRequest['stream']> | undefined;
      const server = await serve((visit) => {
        if (visit.httpMethod === 'GET') {
          events = visit.stream();
          events.send('/messages?session=1', undefined, 'endpoint');
        } else if (visit.path === '/mcp') visit.empty(status);
        else {
          visit.empty(202);
          const { id, method } = visit.message;
          const handshake = {
            protocolVersion: '2024-11-05',
            capabilities: {},
            serverInfo: { name: 'old', version: '1' },
          };
          if (id !== undefined)
            events?.send({ jsonrpc: '2.0', id, result: method === 'initialize' ? handshake : TEXT });
        }
      });
      const first = await bench.open(httpServer(server.url));
      expect(first.profile).toMatchObject({ era: 'legacy', revision: '2024-11-05' });
      expect(toResultText(await first.request(toolCall('any'), new RecordedReply(), NEVER))).toBe('done');
      const before = server.requests.length;
      await bench.open(httpServer(server.url));
      expect(server.requests[before]?.httpMethod).toBe('GET');
    },
  );

  it('is rejected when the HTTP+SSE endpoint is at another origin, and nothing is posted there', async () => {
    const otherOrigin = await serve((visit) => visit.empty(202));
    const server = await serve((visit) => {
      if (visit.httpMethod === 'GET') visit.stream().send(otherOrigin.url, undefined, 'endpoint');
      else visit.empty(405);
    });
    const opened = bench.open(httpServer(server.url, { transport: 'sse' }));
    await expect(opened).rejects.toMatchObject({ code: -31005, data: { outcome: 'not_executed' } });
    expect(otherOrigin.requests).toEqual([]);
  });

  it('sends the negotiated revision and the session id with every later request', async () => {
    const server = await serve((visit) => {
      if (visit.message['method'] !== 'initialize') return void (answerLegacyHandshake(visit) || visit.result(TEXT));
      visit.result({ protocolVersion: '2025-03-26', capabilities: {} }, { 'mcp-session-id': 'abc' });
    });
    const connection = await bench.open(httpServer(server.url));
    await connection.request(toolCall('any'), new RecordedReply(), NEVER);
    await connection.close();
    const [, handshake, ...rest] = server.requests;
    expect(handshake?.message).toMatchObject({
      params: { protocolVersion: '2025-11-25', clientInfo: { name: 'spec' } },
    });
    expect(rest.map(({ httpMethod: verb, message }) => message['method'] ?? verb)).toEqual([
      'notifications/initialized',
      'tools/call',
      'DELETE',
    ]);
    for (const { headers } of rest) {
      expect(headers).toMatchObject({ 'mcp-protocol-version': '2025-03-26', 'mcp-session-id': 'abc' });
    }
  });

  it.each([
    ['an unknown revision', { protocolVersion: '1999-01-01', capabilities: {} }, -31004],
    ['no revision', { capabilities: {} }, -31005],
  ])('is rejected when the server answers the handshake with %s', async (_what, handshake, code) => {
    const server = await serve((visit) => {
      if (visit.message['method'] === 'initialize') visit.result(handshake);
      else answerLegacyHandshake(visit);
    });
    await expect(bench.open(httpServer(server.url))).rejects.toMatchObject({ code, data: { outcome: 'not_executed' } });
  });
});

describe('a cached era', () => {
  it('is replaced at the next opening when the server changed from legacy to modern', async () => {
    const server = await serve((visit) => void (answerLegacyHandshake(visit) || visit.result(TEXT)));
    await bench.open(httpServer(server.url));
    server.setScript((visit) => {
      if (!answerDiscovery(visit)) visit.json(failure(-32022, { supported: ['2026-07-28'] }), 400);
    });
    expect((await bench.open(httpServer(server.url))).profile.era).toBe('modern');
  });

  it('stays cached while the server does not answer', async () => {
    const server = await serve((visit) => void (answerLegacyHandshake(visit) || visit.result(TEXT)));
    const definition = httpServer(server.url, { timeouts: { connectMs: scaleDeadline(300), requestMs: 5_000 } });
    await bench.open(definition);
    const before = server.requests.length;
    server.setScript(() => undefined);
    await expect(bench.open(definition)).rejects.toMatchObject({ code: -31004, data: { outcome: 'not_executed' } });
    expect(methodsOf(server).slice(before)).toEqual(['initialize']);
  });

  it('is replaced, and the connection ends, when an answer shows that a modern server became legacy', async () => {
    const server = await serve((visit) => void answerDiscovery(visit));
    const connection = await bench.open(httpServer(server.url));
    server.setScript((visit) => void (answerLegacyHandshake(visit) || visit.json(failure(-32000), 400)));
    const outcome = await connection.request(toolCall('any'), new RecordedReply(), NEVER);
    expect(outcome).toMatchObject({ error: { code: -32000 } });
    await bench.events.until(({ closeReasons: ends }) => ends.length > 0);
    expect(connection.closed).toBe(true);
    expect(await bench.resolveEra(httpServer(server.url))).toBe('legacy');
  });

  it('stays cached after a plain 404 when a new probe shows that the server is still modern', async () => {
    const server = await serve((visit) => void (answerDiscovery(visit) || visit.empty(404)));
    const connection = await bench.open(httpServer(server.url));
    const outcome = await connection.request(toolCall('any'), new RecordedReply(), NEVER);
    expect(outcome).toMatchObject({ error: { code: -31004, data: { httpStatus: 404 } } });
    await server.waitForRequest(
      (visit) => visit !== server.requests[0] && visit.message['method'] === 'server/discover',
    );
    expect(connection.closed).toBe(false);
  });
});
