import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConnectorHarness, httpServer, NEVER, RecordedReply, toolCall, toResultText } from './connector-fixture.js';
import {
  answerLegacyHandshake,
  startScriptedServer,
  type ReceivedRequest,
  type ScriptedServer,
} from './scripted-server.js';

const isAnswer = ({ message }: ReceivedRequest) => message['id'] === 'q' && message['method'] === undefined;

let server: ScriptedServer;
let bench: ConnectorHarness;

beforeEach(async () => {
  bench = new ConnectorHarness();
  // The server sends a notification and a request of its own during each call.
  server = await startScriptedServer((visit) => {
    if (isAnswer(visit)) return visit.empty(202);
    if (visit.message['method'] !== 'tools/call') return answerLegacyHandshake(visit);
    const stream = visit.stream();
    stream.send({ jsonrpc: '2.0', method: 'acme/told', params: {} });
    stream.send({ jsonrpc: '2.0', id: 'q', method: 'acme/confirm', params: { text: 'sure?' } });
    void server.waitForRequest(isAnswer).then(({ message }) => {
      const content = [{ type: 'text', text: JSON.stringify(message['result'] ?? message['error']) }];
      stream.send({ jsonrpc: '2.0', id: visit.message['id'], result: { content } });
    });
  });
});

afterEach(async () => {
  await bench.close();
  await server.close();
});

async function call(allowUnknownMethods: boolean, acceptsUnknown: boolean) {
  const reply = new RecordedReply(async () => ({ result: { confirmed: true } }));
  const connection = await bench.open(httpServer(server.url, { allowUnknownMethods }));
  const text = toResultText(await connection.request(toolCall('any', {}, { acceptsUnknown }), reply, NEVER));
  return { answer: JSON.parse(String(text)) as unknown, reply };
}

describe('messages of a server that the gateway does not know', () => {
  it('belong to the call on whose stream they arrive', async () => {
    const { answer, reply } = await call(true, true);
    expect(answer).toEqual({ confirmed: true });
    expect(reply.questions).toEqual(['acme/confirm']);
    expect(reply.notifications).toEqual([{ method: 'acme/told', params: {} }]);
  });

  it.each([
    ['whose caller may not receive them', true, false],
    ['at a server whose entry does not allow them', false, false],
  ])('are withheld from a call %s', async (_which, allowed, accepts) => {
    const { answer, reply } = await call(allowed, accepts);
    expect(answer).toMatchObject({ code: -32601 });
    expect([reply.questions, reply.notifications]).toEqual([[], []]);
  });
});
