import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { UpstreamConnection } from '../upstream-connection.js';
import {
  NEVER,
  httpServer,
  RecordedReply,
  CLIENT_WITH_ALL_CAPABILITIES,
  toResultText,
  toolCall,
  ConnectorHarness,
} from './connector-fixture.js';
import {
  answerLegacyHandshake,
  startScriptedServer,
  type EventWriter,
  type ScriptedServer,
  type ReceivedRequest,
} from './scripted-server.js';

const CAPABILITIES = { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} };
const TEXT = { content: [{ type: 'text', text: 'done' }] };
const WATCHED = 'file:///watched';

const request = (id: string, method: string, params: JsonObject = {}) => ({ jsonrpc: '2.0', id, method, params });
const notification = (method: string, params: JsonObject = {}) => ({ jsonrpc: '2.0', method, params });
const answerTo = (visit: ReceivedRequest, result: JsonObject = TEXT) => ({
  jsonrpc: '2.0',
  id: visit.message['id'],
  result,
});
const isAnswerTo = (id: string) => (visit: ReceivedRequest) => visit.message['id'] === id;
const isGet = ({ httpMethod: verb }: ReceivedRequest): boolean => verb === 'GET';
const isCall = ({ message }: ReceivedRequest): boolean => message['method'] === 'tools/call';

const logsOf = (reply: RecordedReply): unknown[] => reply.notifications.map(({ params }) => params['data']);

let server: ScriptedServer;
let bench: ConnectorHarness;
/** The open GET stream. */
let serverStream: EventWriter | undefined;

/** Serves the handshake, a GET stream and subscriptions; calls go to the test. */
async function open(
  onCall: (visit: ReceivedRequest) => void,
  client?: Parameters<ConnectorHarness['open']>[1],
): Promise<UpstreamConnection> {
  server.setScript((visit) => {
    if (isGet(visit)) serverStream = visit.stream();
    else if (isCall(visit)) onCall(visit);
    else if (!answerLegacyHandshake(visit, CAPABILITIES)) visit.result({});
  });
  return bench.open(httpServer(server.url), client);
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
  it('delivers the messages of its stream in order and waits for its reader', async () => {
    const connection = await open((visit) => {
      const stream = visit.stream();
      for (const data of ['one', 'two']) stream.send(notification('notifications/message', { level: 'info', data }));
      stream.send(answerTo(visit));
      stream.end();
    });
    const firstSeen = Promise.withResolvers<void>();
    const reader = Promise.withResolvers<void>();
    const reply = new RecordedReply(undefined, () => {
      firstSeen.resolve();
      return reader.promise;
    });
    const outcome = connection.request(toolCall('any'), reply, NEVER);
    await firstSeen.promise;
    // The server sent the rest together with the first message. Without back-pressure it would arrive within one round
    // trip.
    await connection.request({ ...toolCall(''), method: 'resources/list' }, new RecordedReply(), NEVER);
    expect(logsOf(reply)).toEqual(['one']);
    reader.resolve();
    expect(toResultText(await outcome)).toBe('done');
    expect(logsOf(reply)).toEqual(['one', 'two']);
  });

  it('stops reading from its server while its reader is slow', async () => {
    const writing = Promise.withResolvers<void>();
    let chunks = 0;
    const connection = await open((visit) => {
      const stream = visit.stream();
      const data = 'x'.repeat(64 * 1024);
      const write = (): void => {
        while (chunks < 4_000 && stream.send(notification('notifications/message', { level: 'info', data }))) chunks++;
        if (chunks < 4_000) visit.response.once('drain', write);
        writing.resolve();
      };
      write();
    });
    const controller = new AbortController();
    const reply = new RecordedReply(undefined, () => new Promise(() => undefined));
    const outcome = connection.request(toolCall('any'), reply, controller.signal);
    await writing.promise;
    await connection.request({ ...toolCall('none'), method: 'resources/list' }, new RecordedReply(), NEVER);
    // 4,000 chunks of 64 KiB were ready; sockets and buffers hold a few dozen.
    expect(chunks).toBeLessThan(1_000);
    controller.abort();
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
  });

  it("is resumed at the last event of its stream after the server's retry delay", async () => {
    const connection = await open((visit) => {
      const stream = visit.stream();
      visit.response.write('retry: 150\n');
      stream.send('', '7');
      stream.end();
    });
    const startedAt = performance.now();
    const outcome = connection.request(toolCall('any'), new RecordedReply(), NEVER);
    const call = await server.waitForRequest(isCall);
    const resumption = await server.waitForRequest(isGet);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(140);
    expect(resumption.headers).toMatchObject({ 'last-event-id': '7', 'mcp-session-id': 's1' });
    serverStream?.send(answerTo(call), '8');
    expect(toResultText(await outcome)).toBe('done');
  });

  it('sends a cancellation with its request id when its caller cancels', async () => {
    const connection = await open(() => undefined);
    const controller = new AbortController();
    const outcome = connection.request(toolCall('any'), new RecordedReply(), controller.signal);
    const call = await server.waitForRequest(isCall);
    controller.abort('the user changed their mind');
    const started = performance.now();
    const cancelled = await server.waitForRequest(({ message }) => message['method'] === 'notifications/cancelled');
    expect(performance.now() - started).toBeLessThan(scaleDeadline(2 * 250));
    expect(cancelled.message['params']).toEqual({
      requestId: call.message['id'],
      reason: 'the user changed their mind',
    });
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
    await new Promise((resolve) => (call.response.closed ? resolve(0) : call.response.once('close', resolve)));
  });

  it('is not sent when its caller has cancelled before', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    const outcome = await connection.request(toolCall('any'), new RecordedReply(), AbortSignal.abort());
    expect(outcome).toMatchObject({ error: { code: -31004, data: { outcome: 'not_executed' } } });
    expect(server.requests.some(isCall)).toBe(false);
  });

  it("returns the server's own error for a 404 that answers its request, and the session continues", async () => {
    const error = { code: -32_002, message: 'Resource not found', data: { uri: WATCHED } };
    const connection = await open((visit) => visit.json({ jsonrpc: '2.0', id: visit.message['id'], error }, 404));
    expect(await connection.request(toolCall('any'), new RecordedReply(), NEVER)).toMatchObject({ error });
    expect([connection.closed, bench.events.closeReasons]).toEqual([false, []]);
  });

  it('is rejected when the limit of calls at its server is reached', async () => {
    bench = new ConnectorHarness({ calls: 2 });
    const connection = await open(() => undefined);
    const controller = new AbortController();
    const running = [1, 2].map(() => connection.request(toolCall('any'), new RecordedReply(), controller.signal));
    const rejected = await connection.request(toolCall('any'), new RecordedReply(), NEVER);
    expect(rejected).toMatchObject({ error: { code: -31003, data: { outcome: 'not_executed', retriable: true } } });
    controller.abort();
    await Promise.all(running);
  });
});

describe('a question of a legacy server', () => {
  const elicitation = { message: 'Name?', requestedSchema: { type: 'object', properties: {} } };

  it('is answered with its own id, and a ping is answered immediately', async () => {
    const connection = await open((visit) => {
      const stream = visit.stream();
      stream.send(request('p', 'ping'));
      stream.send(request('q', 'elicitation/create', elicitation));
      void server.waitForRequest(isAnswerTo('q')).then(() => stream.send(answerTo(visit)));
    }, CLIENT_WITH_ALL_CAPABILITIES);
    const reply = new RecordedReply(async () => ({ result: { action: 'decline' } }));
    expect(toResultText(await connection.request(toolCall('any'), reply, NEVER))).toBe('done');
    expect((await server.waitForRequest(isAnswerTo('p'))).message).toEqual({ jsonrpc: '2.0', id: 'p', result: {} });
    expect((await server.waitForRequest(isAnswerTo('q'))).message).toMatchObject({ result: { action: 'decline' } });
  });

  describe('whose answer cannot be delivered', () => {
    /**
     * The server sends a question during a call that it never answers. `onAnswer` handles the answer to the question.
     */
    const callWithQuestion = async (onAnswer: (visit: ReceivedRequest) => void) => {
      const connection = await open((visit) => {
        visit.stream().send(request('q', 'elicitation/create', elicitation));
      }, CLIENT_WITH_ALL_CAPABILITIES);
      const reply = new RecordedReply(async () => {
        server.setScript((visit) => (isAnswerTo('q')(visit) ? onAnswer(visit) : visit.empty(202)));
        return { result: { action: 'decline' } };
      });
      return { connection, outcome: await connection.request(toolCall('any'), reply, NEVER) };
    };
    const unknown = (reason: string) => ({
      error: { code: -31_002, message: expect.stringContaining(reason), data: { outcome: 'unknown' } },
    });

    it.each([
      ['rejects the answer', (visit: ReceivedRequest) => visit.empty(500)],
      ['closes the connection', (visit: ReceivedRequest) => visit.response.destroy()],
    ])('ends its call immediately and cancels it at the server when the server %s', async (_how, onAnswer) => {
      const { connection, outcome } = await callWithQuestion(onAnswer);
      expect(outcome).toMatchObject(unknown('could not be delivered'));
      await server.waitForRequest(({ message }) => message['method'] === 'notifications/cancelled');
      expect(connection.closed).toBe(false);
    });

    it('ends its call and the session when the server no longer knows the session', async () => {
      const { connection, outcome } = await callWithQuestion((visit) => visit.empty(404));
      expect(outcome).toMatchObject(unknown('the server ended the session'));
      expect([connection.closed, bench.events.closeReasons]).toEqual([true, ['the server ended the session']]);
    });
  });

  it('is aborted and not answered when the server cancels it', async () => {
    const aborted = Promise.withResolvers<void>();
    const connection = await open((visit) => {
      const stream = visit.stream();
      stream.send(request('q', 'elicitation/create', elicitation));
      stream.send(notification('notifications/cancelled', { requestId: 'q' }));
      void aborted.promise.then(() => stream.send(answerTo(visit)));
    }, CLIENT_WITH_ALL_CAPABILITIES);
    const reply = new RecordedReply((_question, signal) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted.resolve();
          reject(new Error('aborted'));
        });
      });
    });
    expect(toResultText(await connection.request(toolCall('any'), reply, NEVER))).toBe('done');
    expect(server.requests.some(isAnswerTo('q'))).toBe(false);
  });

  it('is rejected only after the server has received the cancellation of its call', async () => {
    const connection = await open((visit) => {
      visit.stream().send(request('q', 'elicitation/create', elicitation));
    }, CLIENT_WITH_ALL_CAPABILITIES);
    const controller = new AbortController();
    const reply = new RecordedReply((_question, signal) => {
      server.setScript((visit) => (isCall(visit) ? visit.result(TEXT) : undefined));
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        controller.abort();
      });
    });
    expect(await connection.request(toolCall('any'), reply, controller.signal)).toMatchObject({
      error: { code: -31002 },
    });
    const cancelled = await server.waitForRequest(({ message }) => message['method'] === 'notifications/cancelled');
    expect(toResultText(await connection.request(toolCall('next'), new RecordedReply(), NEVER))).toBe('done');
    expect(server.requests.some(isAnswerTo('q'))).toBe(false);
    cancelled.empty(202);
    expect((await server.waitForRequest(isAnswerTo('q'))).message).toMatchObject({ error: { code: -32603 } });
  });

  it('on the GET stream is forwarded to the only running call', async () => {
    const connection = await open((visit) => {
      serverStream?.send(request('q', 'roots/list'));
      void server.waitForRequest(isAnswerTo('q')).then(() => visit.result(TEXT));
    }, CLIENT_WITH_ALL_CAPABILITIES);
    const reply = new RecordedReply(async () => ({ result: { roots: [] } }));
    expect(toResultText(await connection.request(toolCall('any'), reply, NEVER))).toBe('done');
    expect(reply.questions).toEqual(['roots/list']);
  });

  it('on the GET stream is rejected when no call is running', async () => {
    await open((visit) => visit.result(TEXT), CLIENT_WITH_ALL_CAPABILITIES);
    serverStream?.send(request('q', 'roots/list'));
    expect((await server.waitForRequest(isAnswerTo('q'))).message).toMatchObject({ error: { code: -32600 } });
  });

  it('on the GET stream is rejected while two calls run, and later calls run one at a time', async () => {
    const pendingVisits: ReceivedRequest[] = [];
    const two = Promise.withResolvers<void>();
    const connection = await open((visit) => {
      pendingVisits.push(visit);
      if (pendingVisits.length === 2) two.resolve();
    }, CLIENT_WITH_ALL_CAPABILITIES);
    const outcomes = [1, 2].map(() => connection.request(toolCall('any'), new RecordedReply(), NEVER));
    await two.promise;
    serverStream?.send(request('q', 'roots/list'));
    expect((await server.waitForRequest(isAnswerTo('q'))).message).toMatchObject({ error: { code: -32600 } });
    for (const visit of pendingVisits.splice(0)) visit.result(TEXT);
    await Promise.all(outcomes);
    const later = ['a', 'b'].map((name) => connection.request(toolCall(name), new RecordedReply(), NEVER));
    const first = await server.waitForRequest((visit) => isCall(visit) && pendingVisits.includes(visit));
    await connection.request({ ...toolCall(''), method: 'resources/list' }, new RecordedReply(), NEVER);
    expect(pendingVisits).toEqual([first]);
    first.result(TEXT);
    const second = await server.waitForRequest((visit) => visit !== first && pendingVisits.includes(visit));
    second.result(TEXT);
    expect((await Promise.all(later)).map(toResultText)).toEqual(['done', 'done']);
  });
});

describe('the GET stream of a legacy session', () => {
  it('delivers changes to subscribers and other notifications to the connection', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    const changes: string[] = [];
    const subscription = await connection.subscribe(
      { toolsListChanged: true, promptsListChanged: true },
      ({ method }) => {
        changes.push(method);
      },
    );
    expect(subscription.honoured).toEqual({ toolsListChanged: true });
    serverStream?.send(notification('notifications/prompts/list_changed'));
    serverStream?.send(notification('notifications/tools/list_changed'));
    serverStream?.send(notification('notifications/message', { level: 'info', data: 'hello' }));
    serverStream?.send(notification('notifications/elicitation/complete', { elicitationId: '1' }));
    await bench.events.until(({ notifications }) => notifications.length === 2);
    expect(changes).toEqual(['notifications/tools/list_changed']);
    expect(bench.events.notifications.map(({ method }) => method)).toEqual([
      'notifications/message',
      'notifications/elicitation/complete',
    ]);
  });

  it('uses one upstream subscription per resource and ends it with the last subscriber', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    const filter = { resourceSubscriptions: [WATCHED] };
    const [one, other] = await Promise.all([1, 2].map(() => connection.subscribe(filter, () => undefined)));
    const count = (method: string) => server.requests.filter(({ message }) => message['method'] === method).length;
    expect(count('resources/subscribe')).toBe(1);
    await one?.close();
    expect(count('resources/unsubscribe')).toBe(0);
    await other?.close();
    await other?.close();
    expect(count('resources/unsubscribe')).toBe(1);
  });

  it("grants no refused resource, and rejects with the server's error when nothing else was requested", async () => {
    server.setScript((visit) => {
      if (isGet(visit)) return void visit.stream();
      if (visit.message['method'] !== 'resources/subscribe')
        return void (answerLegacyHandshake(visit, CAPABILITIES) || visit.result({}));
      visit.json({ jsonrpc: '2.0', id: visit.message['id'], error: { code: -32002, message: 'No such resource' } });
    });
    const connection = await bench.open(httpServer(server.url));
    const filter = { resourceSubscriptions: [WATCHED] };
    await expect(connection.subscribe(filter, () => undefined)).rejects.toMatchObject({ code: -32002 });
    const { honoured, refused } = await connection.subscribe({ ...filter, toolsListChanged: true }, () => undefined);
    expect(refused).toMatchObject([{ refusal: { error: { code: -32002 } } }]);
    expect(honoured).toEqual({ toolsListChanged: true });
  });

  it('grants no subscription when the server offers no GET stream', async () => {
    server.setScript((visit) => {
      if (isGet(visit)) return visit.json({}, 405);
      return void (answerLegacyHandshake(visit, CAPABILITIES) || visit.result({}));
    });
    const connection = await bench.open(httpServer(server.url));
    const filter = { resourceSubscriptions: [WATCHED], toolsListChanged: true };
    expect((await connection.subscribe(filter, () => undefined)).honoured).toEqual({});
    await server.waitForRequest(({ message }) => message['method'] === 'resources/unsubscribe');
  });

  it('resumes at the last event after an interruption', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    await connection.subscribe({ toolsListChanged: true }, () => undefined);
    serverStream?.send(notification('notifications/message', { level: 'info', data: 1 }), 'e1');
    await bench.events.until(({ notifications }) => notifications.length === 1);
    serverStream?.end();
    const resumption = await server.waitForRequest((visit) => visit.headers['last-event-id'] !== undefined);
    expect(resumption.headers['last-event-id']).toBe('e1');
  });

  it('reports possibly missed changes after an interruption without event ids', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    const changed = Promise.withResolvers<string>();
    await connection.subscribe({ toolsListChanged: true }, ({ method }) => changed.resolve(method));
    serverStream?.end();
    expect(await changed.promise).toBe('notifications/tools/list_changed');
  });
});
