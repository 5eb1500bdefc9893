import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { readCurrentProfile } from '../upstream-connection.js';
import { ConnectorHarness, httpServer, NEVER, RecordedReply, toolCall } from './connector-fixture.js';
import {
  answerDiscovery,
  answerLegacyHandshake,
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedServer,
} from './scripted-server.js';

const KEY = 'mellon-4711-friend';
const SHOWN = expect.objectContaining({ message: expect.stringContaining('unknown key [hidden]') });

let server: ScriptedServer;
let bench: ConnectorHarness;

/** Repeats the key that it received. */
function refuse({ headers, response }: ReceivedRequest): void {
  response.writeHead(401, { 'content-type': 'text/plain' }).end(`unknown key ${String(headers['x-key'])}`);
}

const entry = (more: Parameters<typeof httpServer>[1] = {}) =>
  httpServer(server.url, { headers: { 'x-key': KEY }, ...more });

beforeEach(async () => {
  bench = new ConnectorHarness();
  server = await startScriptedServer(refuse);
});

afterEach(async () => {
  await bench.close();
  await server.close();
});

it('are not part of the error when the probe of the era is refused', async () => {
  await expect(bench.resolveEra(entry())).rejects.toEqual(SHOWN);
  await expect(bench.open(entry())).rejects.toEqual(SHOWN);
});

it('are not part of the error when a handshake is refused', async () => {
  await expect(bench.open(entry({ era: 'legacy' }))).rejects.toEqual(SHOWN);
  await expect(bench.open(entry({ transport: 'sse' }))).rejects.toEqual(SHOWN);
});

it('are not part of the errors of an open modern connection', async () => {
  server.setScript((visit) => void (answerDiscovery(visit) || refuse(visit)));
  const connection = await bench.open(entry());
  server.setScript(refuse);
  await expect(connection.subscribe({ toolsListChanged: true }, () => undefined)).rejects.toEqual(SHOWN);
  await expect(readCurrentProfile(connection)).rejects.toEqual(SHOWN);
  expect(await connection.notify({ method: 'acme/note', params: {} })).toMatchObject({ error: SHOWN });
  expect(await connection.request(toolCall('any'), new RecordedReply(), NEVER)).toMatchObject({ error: SHOWN });
});

it('are not part of the errors of an open legacy connection', async () => {
  server.setScript((visit) => void answerLegacyHandshake(visit, { resources: { subscribe: true } }));
  const connection = await bench.open(entry());
  server.setScript(refuse);
  const filter = { resourceSubscriptions: ['file:///a'] };
  await expect(connection.subscribe(filter, () => undefined)).rejects.toEqual(SHOWN);
  expect(await connection.notify({ method: 'acme/note', params: {} })).toMatchObject({ error: SHOWN });
  expect(await connection.request(toolCall('any'), new RecordedReply(), NEVER)).toMatchObject({ error: SHOWN });
});
