import { afterEach, describe, expect, it } from '@jest/globals';
import { scaleDeadline } from '#lib/testing/machine-speed';
import { Workbench, NEVER, remote, Reply, textOf, toolCall } from './connector-fixture.js';
import { greetLegacy, greetModern, startScriptedServer, type ScriptedServer, type Visit } from './scripted-server.js';

const TEXT = { content: [{ type: 'text', text: 'done' }] };
const failure = (code: number, data?: object) => ({ jsonrpc: '2.0', id: null, error: { code, message: 'No', data } });

let bench: Workbench;
const servers: ScriptedServer[] = [];

async function serve(script: (visit: Visit) => void): Promise<ScriptedServer> {
  const server = await startScriptedServer(script);
  servers.push(server);
  bench = new Workbench();
  return server;
}

afterEach(async () => {
  await bench.close();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const methodsOf = (server: ScriptedServer): unknown[] => server.visits.map(({ message }) => message['method']);

describe('a server that is met for the first time', () => {
  it('is asked once what it is, by a request that no legacy server takes for a call', async () => {
    const server = await serve((visit) => void greetModern(visit));
    const answers = await Promise.all([1, 2, 3].map(() => bench.connector.era(remote(server.url), NEVER)));
    await bench.open(remote(server.url));
    expect(answers).toEqual(['modern', 'modern', 'modern']);
    expect(methodsOf(server)).toEqual(['server/discover']);
    expect(server.visits[0]?.headers).toMatchObject({
      'mcp-method': 'server/discover',
      'mcp-protocol-version': '2026-07-28',
      accept: 'application/json, text/event-stream',
    });
  });

  it.each<[string, (visit: Visit) => void]>([
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
  ])('and answers %s is a legacy one', async (_what, answerProbe) => {
    const server = await serve((visit) => {
      if (visit.message['method'] === 'server/discover') answerProbe(visit);
      else if (!greetLegacy(visit)) visit.result(TEXT);
    });
    expect(await bench.connector.era(remote(server.url), NEVER)).toBe('legacy');
    const connection = await bench.open(remote(server.url));
    expect(textOf(await connection.request(toolCall('any'), new Reply(), NEVER))).toBe('done');
  });

  it.each([401, 403, 408, 429, 500, 502, 503])('and answers HTTP %d has not said what it is', async (status) => {
    const server = await serve((visit) => visit.empty(status));
    await expect(bench.connector.era(remote(server.url), NEVER)).rejects.toMatchObject({
      code: -31004,
      data: { outcome: 'not_executed', httpStatus: status, server: 'subject' },
    });
    server.play((visit) => void greetModern(visit));
    expect(await bench.connector.era(remote(server.url), NEVER)).toBe('modern');
  });

  it('and speaks only revisions to come is told apart from a legacy one', async () => {
    const server = await serve((visit) => visit.json(failure(-32022, { supported: ['2099-01-01'] }), 400));
    await expect(bench.open(remote(server.url))).rejects.toMatchObject({
      code: -31004,
      message: expect.stringContaining('2099-01-01'),
      data: { outcome: 'not_executed', retriable: false },
    });
    expect(methodsOf(server)).toEqual(['server/discover']);
  });

  it('and says nothing in time is unreachable, and nothing was executed', async () => {
    const server = await serve(() => undefined);
    const definition = remote(server.url, { timeouts: { connectMs: 200, requestMs: 5_000 } });
    await expect(bench.open(definition)).rejects.toMatchObject({ code: -31004, data: { outcome: 'not_executed' } });
  });

  it('is left alone when nobody waits for the answer any more', async () => {
    const server = await serve(() => undefined);
    const leave = new AbortController();
    const era = bench.connector.era(remote(server.url), leave.signal);
    await server.visited(() => true);
    leave.abort();
    await expect(era).rejects.toMatchObject({ code: -31004, data: { outcome: 'not_executed' } });
  });
});

describe('a legacy server', () => {
  it.each([400, 404, 405])('that answers %d to a POST is tried over HTTP+SSE, and remembered', async (status) => {
    let events: ReturnType<Visit['stream']> | undefined;
    const server = await serve((visit) => {
      if (visit.verb === 'GET') {
        events = visit.stream();
        events.send('/messages?session=1', undefined, 'endpoint');
      } else if (visit.path === '/mcp') visit.empty(status);
      else {
        visit.empty(202);
        const { id, method } = visit.message;
        const greeting = { protocolVersion: '2024-11-05', capabilities: {}, serverInfo: { name: 'old', version: '1' } };
        if (id !== undefined) events?.send({ jsonrpc: '2.0', id, result: method === 'initialize' ? greeting : TEXT });
      }
    });
    const first = await bench.open(remote(server.url));
    expect(first.profile).toMatchObject({ era: 'legacy', revision: '2024-11-05' });
    expect(textOf(await first.request(toolCall('any'), new Reply(), NEVER))).toBe('done');
    const before = server.visits.length;
    await bench.open(remote(server.url));
    expect(server.visits[before]?.verb).toBe('GET');
  });

  it('that sends its client to another origin is refused, and nothing is posted there', async () => {
    const trap = await serve((visit) => visit.empty(202));
    const server = await serve((visit) => {
      if (visit.verb === 'GET') visit.stream().send(trap.url, undefined, 'endpoint');
      else visit.empty(405);
    });
    const opened = bench.open(remote(server.url, { transport: 'sse' }));
    await expect(opened).rejects.toMatchObject({ code: -31005, data: { outcome: 'not_executed' } });
    expect(trap.visits).toEqual([]);
  });

  it('that chooses a lower revision gets it in every header, and its session', async () => {
    const server = await serve((visit) => {
      if (visit.message['method'] !== 'initialize') return void (greetLegacy(visit) || visit.result(TEXT));
      visit.result({ protocolVersion: '2025-03-26', capabilities: {} }, { 'mcp-session-id': 'abc' });
    });
    const connection = await bench.open(remote(server.url));
    await connection.request(toolCall('any'), new Reply(), NEVER);
    await connection.close();
    const [, handshake, ...rest] = server.visits;
    expect(handshake?.message).toMatchObject({
      params: { protocolVersion: '2025-11-25', clientInfo: { name: 'spec' } },
    });
    expect(rest.map(({ verb, message }) => message['method'] ?? verb)).toEqual([
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
  ])('that answers the handshake with %s is refused', async (_what, greeting, code) => {
    const server = await serve((visit) => {
      if (visit.message['method'] === 'initialize') visit.result(greeting);
      else greetLegacy(visit);
    });
    await expect(bench.open(remote(server.url))).rejects.toMatchObject({ code, data: { outcome: 'not_executed' } });
  });
});

describe('a server that changed its era', () => {
  it('from legacy to modern is met anew at the next opening', async () => {
    const server = await serve((visit) => void (greetLegacy(visit) || visit.result(TEXT)));
    await bench.open(remote(server.url));
    server.play((visit) => {
      if (!greetModern(visit)) visit.json(failure(-32022, { supported: ['2026-07-28'] }), 400);
    });
    expect((await bench.open(remote(server.url))).profile.era).toBe('modern');
  });

  it('is not suspected of it while it says nothing', async () => {
    const server = await serve((visit) => void (greetLegacy(visit) || visit.result(TEXT)));
    const definition = remote(server.url, { timeouts: { connectMs: scaleDeadline(300), requestMs: 5_000 } });
    await bench.open(definition);
    const before = server.visits.length;
    server.play(() => undefined);
    await expect(bench.open(definition)).rejects.toMatchObject({ code: -31004, data: { outcome: 'not_executed' } });
    expect(methodsOf(server).slice(before)).toEqual(['initialize']);
  });

  it('from modern to legacy ends the connection once it shows', async () => {
    const server = await serve((visit) => void greetModern(visit));
    const connection = await bench.open(remote(server.url));
    server.play((visit) => void (greetLegacy(visit) || visit.json(failure(-32000), 400)));
    const outcome = await connection.request(toolCall('any'), new Reply(), NEVER);
    expect(outcome).toMatchObject({ error: { code: -32000 } });
    await bench.events.until(({ ends }) => ends.length > 0);
    expect(connection.closed).toBe(true);
    expect(await bench.connector.era(remote(server.url), NEVER)).toBe('legacy');
  });

  it('is not suspected for a plain 404 as long as it still says that it is modern', async () => {
    const server = await serve((visit) => void (greetModern(visit) || visit.empty(404)));
    const connection = await bench.open(remote(server.url));
    const outcome = await connection.request(toolCall('any'), new Reply(), NEVER);
    expect(outcome).toMatchObject({ error: { code: -31004, data: { httpStatus: 404 } } });
    await server.visited((visit) => visit !== server.visits[0] && visit.message['method'] === 'server/discover');
    expect(connection.closed).toBe(false);
  });
});
