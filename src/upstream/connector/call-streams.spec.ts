import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConnectorHarness, httpServer, NEVER, RecordedReply, toolCall } from './connector-fixture.js';
import { answerLegacyHandshake, startScriptedServer, type ScriptedServer } from './scripted-server.js';

const TEXT = { content: [{ type: 'text', text: 'done' }] };

let server: ScriptedServer;
let bench: ConnectorHarness;

beforeEach(async () => {
  bench = new ConnectorHarness();
  server = await startScriptedServer((visit) => visit.empty(500));
});

afterEach(async () => {
  await bench.close();
  await server.close();
});

describe('what a server sends on the stream of a call', () => {
  it.each(['notifications/elicitation/complete', 'notifications/tools/list_changed'])(
    'is delivered before the answer if the server has no session: %s',
    async (method) => {
      server.setScript((visit) => {
        if (answerLegacyHandshake(visit, undefined, null)) return;
        const stream = visit.stream();
        stream.send({ jsonrpc: '2.0', method, params: { elicitationId: 'e' } });
        stream.send({ jsonrpc: '2.0', id: visit.message['id'], result: TEXT });
        stream.end();
      });
      const connection = await bench.open(httpServer(server.url));
      const reply = new RecordedReply();
      await connection.request(toolCall('any'), reply, NEVER);
      expect(reply.notifications).toEqual([{ method, params: { elicitationId: 'e' } }]);
    },
  );
});
