import { afterEach, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { startRestServer } from '#lib/testing/rest-server';
import type { RestServer, ServerDefinition } from '../../registry/index.js';
import { ConnectorHarness, httpServer, NEVER, RecordedReply, toolCall } from './connector-fixture.js';
import {
  answerDiscovery,
  answerLegacyHandshake,
  startScriptedServer,
  type EventWriter,
  type ReceivedRequest,
} from './scripted-server.js';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const closers: (() => Promise<void>)[] = [];

afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

/** Calls the tool `find` with this trace context. */
async function callWith(server: ServerDefinition, traceparent: string): Promise<void> {
  const bench = new ConnectorHarness();
  closers.push(() => bench.close());
  const connection = await bench.open(server);
  const params = { name: 'find', arguments: {}, _meta: { traceparent } };
  const outcome = await connection.request(toolCall('find', {}, { params }), new RecordedReply(), NEVER);
  expect(outcome).toMatchObject({ kind: 'result' });
}

async function startServer(script: (visit: ReceivedRequest) => void) {
  const server = await startScriptedServer(script);
  closers.push(() => server.close());
  const headerOfCall = () =>
    server.requests.find(({ message }) => message['method'] === 'tools/call')?.headers['traceparent'];
  return { url: server.url, headerOfCall };
}

const DONE: JsonObject = { resultType: 'complete', content: [] };

const legacyScript = (visit: ReceivedRequest): void => {
  if (!answerLegacyHandshake(visit)) visit.result(DONE);
};

const modernScript = (visit: ReceivedRequest): void => {
  if (!answerDiscovery(visit)) visit.result(DONE);
};

/** HTTP+SSE: the answers travel on the stream of the first GET. */
function sseScript(): (visit: ReceivedRequest) => void {
  let stream: EventWriter | undefined;
  return (visit) => {
    if (visit.httpMethod === 'GET') {
      stream = visit.stream();
      stream.send('/messages', undefined, 'endpoint');
      return;
    }
    visit.empty(202);
    const { id, method } = visit.message;
    if (id === undefined) return;
    const serverInfo = { name: 'scripted', version: '1' };
    const handshake = { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo };
    stream?.send({ jsonrpc: '2.0', id, result: method === 'initialize' ? handshake : DONE });
  };
}

it.each([
  ['a legacy server', () => legacyScript, 'http'],
  ['a server over HTTP+SSE', sseScript, 'sse'],
  ['a modern server', () => modernScript, 'http'],
] as const)('%s receives the trace context in the header, too', async (_which, script, transport) => {
  const { url, headerOfCall } = await startServer(script());
  await callWith(httpServer(url, { transport }), TRACEPARENT);
  expect(headerOfCall()).toBe(TRACEPARENT);
});

it('a header never contains a text that is no trace context', async () => {
  const { url, headerOfCall } = await startServer(legacyScript);
  await callWith(httpServer(url), 'no context\r\nx-injected: 1');
  expect(headerOfCall()).toBeUndefined();
});

it('a REST server receives the trace context in the header, unless the operator set the header', async () => {
  const server = await startRestServer();
  closers.push(() => server.close());
  const { headers: _none, ...common } = httpServer(server.url);
  const tools = [{ name: 'find', method: 'GET', path: '/echo', inputSchema: { type: 'object' } }] as const;
  const rest = { ...common, transport: 'rest', headers: {}, tools } as const satisfies RestServer;
  await callWith(rest, TRACEPARENT);
  expect(server.arrivals.at(-1)?.headers['traceparent']).toBe(TRACEPARENT);
  await callWith({ ...rest, headers: { traceparent: 'own' } }, TRACEPARENT);
  expect(server.arrivals.at(-1)?.headers['traceparent']).toBe('own');
});
