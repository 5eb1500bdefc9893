import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import type { UpstreamConnection } from '../upstream-connection.js';
import { NEVER, remote, Reply, TALKATIVE_CLIENT, textOf, toolCall, Workbench } from './connector-fixture.js';
import {
  greetLegacy,
  startScriptedServer,
  type EventWriter,
  type ScriptedServer,
  type Visit,
} from './scripted-server.js';

const CAPABILITIES = { tools: { listChanged: true }, resources: { subscribe: true }, logging: {} };
const TEXT = { content: [{ type: 'text', text: 'done' }] };
const WATCHED = 'file:///watched';

const request = (id: string, method: string, params: JsonObject = {}) => ({ jsonrpc: '2.0', id, method, params });
const notification = (method: string, params: JsonObject = {}) => ({ jsonrpc: '2.0', method, params });
const answerTo = (visit: Visit, result: JsonObject = TEXT) => ({ jsonrpc: '2.0', id: visit.message['id'], result });
const isAnswerTo = (id: string) => (visit: Visit) => visit.message['id'] === id;
const isGet = ({ verb }: Visit): boolean => verb === 'GET';
const isCall = ({ message }: Visit): boolean => message['method'] === 'tools/call';

const logsOf = (reply: Reply): unknown[] => reply.notifications.map(({ params }) => params['data']);

let server: ScriptedServer;
let bench: Workbench;
/** The open GET stream. */
let serverStream: EventWriter | undefined;

/** Serves the handshake, a GET stream and subscriptions; calls go to the test. */
async function open(
  onCall: (visit: Visit) => void,
  client?: Parameters<Workbench['open']>[1],
): Promise<UpstreamConnection> {
  server.play((visit) => {
    if (isGet(visit)) serverStream = visit.stream();
    else if (isCall(visit)) onCall(visit);
    else if (!greetLegacy(visit, CAPABILITIES)) visit.result({});
  });
  return bench.open(remote(server.url), client);
}

beforeEach(async () => {
  bench = new Workbench();
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
    const reply = new Reply(undefined, () => {
      firstSeen.resolve();
      return reader.promise;
    });
    const outcome = connection.request(toolCall('any'), reply, NEVER);
    await firstSeen.promise;
    // The server sent the rest together with the first message. Without back-pressure it would arrive within one round
    // trip.
    await connection.request({ ...toolCall(''), method: 'resources/list' }, new Reply(), NEVER);
    expect(logsOf(reply)).toEqual(['one']);
    reader.resolve();
    expect(textOf(await outcome)).toBe('done');
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
    const reply = new Reply(undefined, () => new Promise(() => undefined));
    const outcome = connection.request(toolCall('any'), reply, controller.signal);
    await writing.promise;
    await connection.request({ ...toolCall('none'), method: 'resources/list' }, new Reply(), NEVER);
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
    const outcome = connection.request(toolCall('any'), new Reply(), NEVER);
    const call = await server.visited(isCall);
    const resumption = await server.visited(isGet);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(140);
    expect(resumption.headers).toMatchObject({ 'last-event-id': '7', 'mcp-session-id': 's1' });
    serverStream?.send(answerTo(call), '8');
    expect(textOf(await outcome)).toBe('done');
  });

  it('sends a cancellation with its request id when its caller cancels', async () => {
    const connection = await open(() => undefined);
    const controller = new AbortController();
    const outcome = connection.request(toolCall('any'), new Reply(), controller.signal);
    const call = await server.visited(isCall);
    controller.abort();
    const started = performance.now();
    const cancelled = await server.visited(({ message }) => message['method'] === 'notifications/cancelled');
    expect(performance.now() - started).toBeLessThan(500);
    expect(cancelled.message['params']).toMatchObject({ requestId: call.message['id'] });
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
    await new Promise((resolve) => (call.response.closed ? resolve(0) : call.response.once('close', resolve)));
  });

  it('is not sent when its caller has cancelled before', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    const outcome = await connection.request(toolCall('any'), new Reply(), AbortSignal.abort());
    expect(outcome).toMatchObject({ error: { code: -31004, data: { outcome: 'not_executed' } } });
    expect(server.visits.some(isCall)).toBe(false);
  });

  it("returns the server's own error for a 404 that answers its request, and the session continues", async () => {
    const error = { code: -32_002, message: 'Resource not found', data: { uri: WATCHED } };
    const connection = await open((visit) => visit.json({ jsonrpc: '2.0', id: visit.message['id'], error }, 404));
    expect(await connection.request(toolCall('any'), new Reply(), NEVER)).toMatchObject({ error });
    expect([connection.closed, bench.events.ends]).toEqual([false, []]);
  });

  it('is rejected when the limit of calls at its server is reached', async () => {
    bench = new Workbench({ calls: 2 });
    const connection = await open(() => undefined);
    const controller = new AbortController();
    const running = [1, 2].map(() => connection.request(toolCall('any'), new Reply(), controller.signal));
    const rejected = await connection.request(toolCall('any'), new Reply(), NEVER);
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
      void server.visited(isAnswerTo('q')).then(() => stream.send(answerTo(visit)));
    }, TALKATIVE_CLIENT);
    const reply = new Reply(async () => ({ result: { action: 'decline' } }));
    expect(textOf(await connection.request(toolCall('any'), reply, NEVER))).toBe('done');
    expect((await server.visited(isAnswerTo('p'))).message).toEqual({ jsonrpc: '2.0', id: 'p', result: {} });
    expect((await server.visited(isAnswerTo('q'))).message).toMatchObject({ result: { action: 'decline' } });
  });

  describe('whose answer cannot be delivered', () => {
    /**
     * The server sends a question during a call that it never answers. `onAnswer` handles the answer to the question.
     */
    const callWithQuestion = async (onAnswer: (visit: Visit) => void) => {
      const connection = await open((visit) => {
        visit.stream().send(request('q', 'elicitation/create', elicitation));
      }, TALKATIVE_CLIENT);
      const reply = new Reply(async () => {
        server.play((visit) => (isAnswerTo('q')(visit) ? onAnswer(visit) : visit.empty(202)));
        return { result: { action: 'decline' } };
      });
      return { connection, outcome: await connection.request(toolCall('any'), reply, NEVER) };
    };
    const unknown = (reason: string) => ({
      error: { code: -31_002, message: expect.stringContaining(reason), data: { outcome: 'unknown' } },
    });

    it.each([
      ['rejects the answer', (visit: Visit) => visit.empty(500)],
      ['closes the connection', (visit: Visit) => visit.response.destroy()],
    ])('ends its call immediately and cancels it at the server when the server %s', async (_how, onAnswer) => {
      const { connection, outcome } = await callWithQuestion(onAnswer);
      expect(outcome).toMatchObject(unknown('could not be delivered'));
      await server.visited(({ message }) => message['method'] === 'notifications/cancelled');
      expect(connection.closed).toBe(false);
    });

    it('ends its call and the session when the server no longer knows the session', async () => {
      const { connection, outcome } = await callWithQuestion((visit) => visit.empty(404));
      expect(outcome).toMatchObject(unknown('the server ended the session'));
      expect([connection.closed, bench.events.ends]).toEqual([true, ['the server ended the session']]);
    });
  });

  it('is aborted and not answered when the server cancels it', async () => {
    const aborted = Promise.withResolvers<void>();
    const connection = await open((visit) => {
      const stream = visit.stream();
      stream.send(request('q', 'elicitation/create', elicitation));
      stream.send(notification('notifications/cancelled', { requestId: 'q' }));
      void aborted.promise.then(() => stream.send(answerTo(visit)));
    }, TALKATIVE_CLIENT);
    const reply = new Reply((_question, signal) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted.resolve();
          reject(new Error('aborted'));
        });
      });
    });
    expect(textOf(await connection.request(toolCall('any'), reply, NEVER))).toBe('done');
    expect(server.visits.some(isAnswerTo('q'))).toBe(false);
  });

  it('is rejected only after the server has received the cancellation of its call', async () => {
    const connection = await open((visit) => {
      visit.stream().send(request('q', 'elicitation/create', elicitation));
    }, TALKATIVE_CLIENT);
    const controller = new AbortController();
    const reply = new Reply((_question, signal) => {
      server.play((visit) => (isCall(visit) ? visit.result(TEXT) : undefined));
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
        controller.abort();
      });
    });
    expect(await connection.request(toolCall('any'), reply, controller.signal)).toMatchObject({
      error: { code: -31002 },
    });
    const cancelled = await server.visited(({ message }) => message['method'] === 'notifications/cancelled');
    expect(textOf(await connection.request(toolCall('next'), new Reply(), NEVER))).toBe('done');
    expect(server.visits.some(isAnswerTo('q'))).toBe(false);
    cancelled.empty(202);
    expect((await server.visited(isAnswerTo('q'))).message).toMatchObject({ error: { code: -32603 } });
  });

  it('on the GET stream is forwarded to the only running call', async () => {
    const connection = await open((visit) => {
      serverStream?.send(request('q', 'roots/list'));
      void server.visited(isAnswerTo('q')).then(() => visit.result(TEXT));
    }, TALKATIVE_CLIENT);
    const reply = new Reply(async () => ({ result: { roots: [] } }));
    expect(textOf(await connection.request(toolCall('any'), reply, NEVER))).toBe('done');
    expect(reply.questions).toEqual(['roots/list']);
  });

  it('on the GET stream is rejected when no call is running', async () => {
    await open((visit) => visit.result(TEXT), TALKATIVE_CLIENT);
    serverStream?.send(request('q', 'roots/list'));
    expect((await server.visited(isAnswerTo('q'))).message).toMatchObject({ error: { code: -32600 } });
  });

  it('on the GET stream is rejected while two calls run, and later calls run one at a time', async () => {
    const pendingVisits: Visit[] = [];
    const two = Promise.withResolvers<void>();
    const connection = await open((visit) => {
      pendingVisits.push(visit);
      if (pendingVisits.length === 2) two.resolve();
    }, TALKATIVE_CLIENT);
    const outcomes = [1, 2].map(() => connection.request(toolCall('any'), new Reply(), NEVER));
    await two.promise;
    serverStream?.send(request('q', 'roots/list'));
    expect((await server.visited(isAnswerTo('q'))).message).toMatchObject({ error: { code: -32600 } });
    for (const visit of pendingVisits.splice(0)) visit.result(TEXT);
    await Promise.all(outcomes);
    const later = ['a', 'b'].map((name) => connection.request(toolCall(name), new Reply(), NEVER));
    const first = await server.visited((visit) => isCall(visit) && pendingVisits.includes(visit));
    await connection.request({ ...toolCall(''), method: 'resources/list' }, new Reply(), NEVER);
    expect(pendingVisits).toEqual([first]);
    first.result(TEXT);
    const second = await server.visited((visit) => visit !== first && pendingVisits.includes(visit));
    second.result(TEXT);
    expect((await Promise.all(later)).map(textOf)).toEqual(['done', 'done']);
  });
});

describe('the GET stream of a legacy session', () => {
  it('delivers changes to subscribers and other notifications to the connection', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    const changes: string[] = [];
    const subscription = await connection.listen({ toolsListChanged: true, promptsListChanged: true }, ({ method }) => {
      changes.push(method);
    });
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
    const [one, other] = await Promise.all([1, 2].map(() => connection.listen(filter, () => undefined)));
    const count = (method: string) => server.visits.filter(({ message }) => message['method'] === method).length;
    expect(count('resources/subscribe')).toBe(1);
    await one?.close();
    expect(count('resources/unsubscribe')).toBe(0);
    await other?.close();
    await other?.close();
    expect(count('resources/unsubscribe')).toBe(1);
  });

  it("grants no refused resource, and rejects with the server's error when nothing else was requested", async () => {
    server.play((visit) => {
      if (isGet(visit)) return void visit.stream();
      if (visit.message['method'] !== 'resources/subscribe')
        return void (greetLegacy(visit, CAPABILITIES) || visit.result({}));
      visit.json({ jsonrpc: '2.0', id: visit.message['id'], error: { code: -32002, message: 'No such resource' } });
    });
    const connection = await bench.open(remote(server.url));
    const filter = { resourceSubscriptions: [WATCHED] };
    await expect(connection.listen(filter, () => undefined)).rejects.toMatchObject({ code: -32002 });
    const { honoured, refused } = await connection.listen({ ...filter, toolsListChanged: true }, () => undefined);
    expect(refused).toMatchObject([{ refusal: { error: { code: -32002 } } }]);
    expect(honoured).toEqual({ toolsListChanged: true });
  });

  it('grants no subscription when the server offers no GET stream', async () => {
    server.play((visit) => {
      if (isGet(visit)) return visit.json({}, 405);
      return void (greetLegacy(visit, CAPABILITIES) || visit.result({}));
    });
    const connection = await bench.open(remote(server.url));
    const filter = { resourceSubscriptions: [WATCHED], toolsListChanged: true };
    expect((await connection.listen(filter, () => undefined)).honoured).toEqual({});
    await server.visited(({ message }) => message['method'] === 'resources/unsubscribe');
  });

  it('resumes at the last event after an interruption', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    await connection.listen({ toolsListChanged: true }, () => undefined);
    serverStream?.send(notification('notifications/message', { level: 'info', data: 1 }), 'e1');
    await bench.events.until(({ notifications }) => notifications.length === 1);
    serverStream?.end();
    const resumption = await server.visited((visit) => visit.headers['last-event-id'] !== undefined);
    expect(resumption.headers['last-event-id']).toBe('e1');
  });

  it('reports possibly missed changes after an interruption without event ids', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    const changed = Promise.withResolvers<string>();
    await connection.listen({ toolsListChanged: true }, ({ method }) => changed.resolve(method));
    serverStream?.end();
    expect(await changed.promise).toBe('notifications/tools/list_changed');
  });
});
