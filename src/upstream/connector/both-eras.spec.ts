import { afterEach, describe, expect, it } from '@jest/globals';
import { ConnectorHarness, httpServer, stdioServer } from './connector-fixture.js';
import {
  answerDiscovery,
  answerLegacyHandshake,
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedServer,
} from './scripted-server.js';

const LEGACY_CLIENT = { clientEra: 'legacy' } as const;

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

const methodsOf = (server: ScriptedServer): unknown[] =>
  server.requests.map(({ message }) => message['method']).filter((method) => method !== undefined);

const refusal = (id: unknown) => ({ jsonrpc: '2.0', id: id as number, error: { code: -32022, message: 'No' } });

const both = (visit: ReceivedRequest): void => {
  if (!answerDiscovery(visit)) answerLegacyHandshake(visit);
};

const modernOnly = (visit: ReceivedRequest): void => {
  if (!answerDiscovery(visit)) visit.json(refusal(visit.message['id']), 400);
};

const legacyOnly = (visit: ReceivedRequest): void => void answerLegacyHandshake(visit);

describe('a server that speaks both eras', () => {
  it('serves each client in the era of the client', async () => {
    const { url } = await serve(both);
    const eras = [await bench.open(httpServer(url), undefined, LEGACY_CLIENT), await bench.open(httpServer(url))];
    expect(eras.map(({ profile }) => profile.era)).toEqual(['legacy', 'modern']);
  });

  it('serves every client in the era that its entry states', async () => {
    const { url } = await serve(both);
    const legacy = await bench.open(httpServer(url, { era: 'legacy' }));
    const modern = await bench.open(httpServer(url, { era: 'modern' }), undefined, LEGACY_CLIENT);
    expect([legacy, modern].map(({ profile }) => profile.era)).toEqual(['legacy', 'modern']);
  });
});

describe('a server of one era', () => {
  it('is asked for a handshake once if it speaks the modern era only', async () => {
    const server = await serve(modernOnly);
    const definition = httpServer(server.url);
    for (let count = 0; count < 2; count += 1) {
      const connection = await bench.open(definition, undefined, LEGACY_CLIENT);
      expect(connection.profile.era).toBe('modern');
    }
    expect(methodsOf(server)).toEqual(['server/discover', 'initialize']);
  });

  it('is not probed if its entry says that it is legacy', async () => {
    const server = await serve(legacyOnly);
    await bench.open(httpServer(server.url, { era: 'legacy' }));
    expect(methodsOf(server)).toEqual(['initialize', 'notifications/initialized']);
  });

  it('is rejected if its entry requires the other one', async () => {
    const server = await serve(legacyOnly);
    await expect(bench.open(httpServer(server.url, { era: 'modern' }))).rejects.toMatchObject({
      code: -31004,
      message: expect.stringContaining('modern era'),
      data: { outcome: 'not_executed', retriable: false },
    });
  });

  it('stays modern for a legacy client if it is a process that does not know the handshake', async () => {
    bench = new ConnectorHarness();
    const program = `
      process.stdin.setEncoding('utf8').on('data', (text) => {
        for (const line of text.trim().split('\\n')) {
          const { id, method } = JSON.parse(line);
          const answer = method === 'server/discover'
            ? { result: { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {} } } }
            : { error: { code: -32601, message: 'No' } };
          if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
        }
      });`;
    const server = stdioServer(process.execPath, ['-e', program]);
    const connection = await bench.open(server, undefined, LEGACY_CLIENT);
    expect(connection.profile.era).toBe('modern');
  });
});
