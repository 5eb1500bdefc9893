import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Answer } from '#lib/mcp-protocol';
import type { UpstreamConnection } from '../upstream-connection.js';
import { needsNewConnection } from '../upstream.errors.js';
import {
  CLIENT_WITH_ALL_CAPABILITIES,
  ConnectorHarness,
  httpServer,
  NEVER,
  RecordedReply,
  toolCall,
  toResultText,
} from './connector-fixture.js';
import {
  answerLegacyHandshake,
  startScriptedServer,
  type EventWriter,
  type ReceivedRequest,
  type ScriptedServer,
} from './scripted-server.js';

const answerTo = ({ message }: ReceivedRequest) => ({
  jsonrpc: '2.0',
  id: message['id'],
  result: { content: [{ type: 'text', text: 'done' }] },
});
const isCall = ({ message }: ReceivedRequest): boolean => message['method'] === 'tools/call';

let server: ScriptedServer;
let bench: ConnectorHarness;

/** Serves the handshake; calls go to the test. */
function open(onCall: (visit: ReceivedRequest) => void): Promise<UpstreamConnection> {
  server.setScript((visit) => {
    if (isCall(visit)) onCall(visit);
    else answerLegacyHandshake(visit);
  });
  return bench.open(httpServer(server.url));
}

beforeEach(async () => {
  bench = new ConnectorHarness();
  server = await startScriptedServer((visit) => visit.empty(500));
});

afterEach(async () => {
  await bench.close();
  await server.close();
});

describe('a call over streamable HTTP', () => {
  it('is refused by a server that lost the session, while an earlier call ends on its own stream', async () => {
    const connection = await open((visit) => {
      if (!server.requests.some(isRefused)) return void (earlier = visit.stream());
      visit.json({ jsonrpc: '2.0', id: null, error: { code: -32_000, message: 'No valid session ID provided' } }, 400);
    });
    let earlier: EventWriter | undefined;
    const isRefused = (visit: ReceivedRequest) => isCall(visit) && visit !== server.requests.find(isCall);
    const first = connection.request(toolCall('any'), new RecordedReply(), NEVER);
    const visit = await server.waitForRequest(isCall);
    const others = await Promise.all([1, 2].map(() => connection.request(toolCall('any'), new RecordedReply(), NEVER)));
    expect(others.map(needsNewConnection)).toEqual([true, true]);
    expect(others[0]).toMatchObject({ error: { code: -31004, data: { outcome: 'not_executed', retriable: true } } });
    expect(bench.events.closeReasons).toEqual(['the server ended the session']);
    earlier?.send(answerTo(visit));
    expect(toResultText(await first)).toBe('done');
    expect(server.requests.some(({ httpMethod }) => httpMethod === 'DELETE')).toBe(false);
  });

  it('keeps its open question when another call finds the session lost', async () => {
    const asked = Promise.withResolvers<AbortSignal>();
    const answer = Promise.withResolvers<Answer>();
    const reply = new RecordedReply((_question, signal) => {
      asked.resolve(signal);
      return answer.promise;
    });
    let earlier: EventWriter | undefined;
    const isAnswer = ({ message }: ReceivedRequest) => message['id'] === 'q' && message['method'] === undefined;
    server.setScript((visit) => {
      if (isAnswer(visit)) return visit.empty(202);
      if (!isCall(visit)) return answerLegacyHandshake(visit);
      if (earlier) return visit.json({ jsonrpc: '2.0', id: null, error: { code: -32_001, message: 'lost' } }, 404);
      earlier = visit.stream();
      earlier.send({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: { message: 'Name?' } });
    });
    const connection = await bench.open(httpServer(server.url), CLIENT_WITH_ALL_CAPABILITIES);
    const first = connection.request(toolCall('any'), reply, NEVER);
    const question = await asked.promise;
    expect(needsNewConnection(await connection.request(toolCall('any'), new RecordedReply(), NEVER))).toBe(true);
    expect(question.aborted).toBe(false);
    answer.resolve({ result: { action: 'decline' } });
    expect((await server.waitForRequest(isAnswer)).message).toMatchObject({ result: { action: 'decline' } });
    earlier?.send(answerTo(await server.waitForRequest(isCall)));
    expect(toResultText(await first)).toBe('done');
  });

  it('is not sent again once the server has sent something for it, whatever its error says', async () => {
    const connection = await open((visit) => {
      const stream = visit.stream();
      stream.send({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'half done' } });
      stream.send({ jsonrpc: '2.0', id: visit.message['id'], error: { code: -32_001, message: 'Session not found' } });
    });
    const outcome = await connection.request(toolCall('any'), new RecordedReply(), NEVER);
    expect(needsNewConnection(outcome)).toBe(false);
    expect(outcome).toMatchObject({ kind: 'error', error: { code: -32_001 } });
  });

  it.each([
    ['an error', { error: { code: -32_001, message: 'Session not found' } }],
    ['an error without a code', { error: 'Session not found' }],
  ])('may be sent again after an event stream that holds only %s for a lost session', async (_what, error) => {
    const connection = await open((visit) => {
      const answers = typeof error.error === 'string' ? error : { jsonrpc: '2.0', id: visit.message['id'], ...error };
      visit.stream().send(answers);
    });
    expect(needsNewConnection(await connection.request(toolCall('any'), new RecordedReply(), NEVER))).toBe(true);
    expect(connection.closed).toBe(true);
  });
});
