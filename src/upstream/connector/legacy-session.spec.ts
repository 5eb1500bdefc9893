import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
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
const note = (method: string, params: JsonObject = {}) => ({ jsonrpc: '2.0', method, params });
const answerTo = (visit: Visit, result: JsonObject = TEXT) => ({ jsonrpc: '2.0', id: visit.message['id'], result });
const isAnswerTo = (id: string) => (visit: Visit) => visit.message['id'] === id;
const isGet = ({ verb }: Visit): boolean => verb === 'GET';
const isCall = ({ message }: Visit): boolean => message['method'] === 'tools/call';

const seen = (reply: Reply): unknown[] => reply.notifications.map(({ params }) => params['data']);

let server: ScriptedServer;
let bench: Workbench;
/** The GET stream that is open now. */
let ears: EventWriter | undefined;

/** Serves the handshake, a GET stream and subscriptions; calls go to the test. */
async function open(
  onCall: (visit: Visit) => void,
  client?: Parameters<Workbench['open']>[1],
): Promise<UpstreamConnection> {
  server.play((visit) => {
    if (isGet(visit)) ears = visit.stream();
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
  it('gets what comes on its own stream, in order, and waits for its reader', async () => {
    const connection = await open((visit) => {
      const stream = visit.stream();
      for (const data of ['one', 'two']) stream.send(note('notifications/message', { level: 'info', data }));
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
    // The rest was sent in the same breath; a round trip later it would be here, if it were not held back.
    await connection.request({ ...toolCall(''), method: 'resources/list' }, new Reply(), NEVER);
    expect(seen(reply)).toEqual(['one']);
    reader.resolve();
    expect(textOf(await outcome)).toBe('done');
    expect(seen(reply)).toEqual(['one', 'two']);
  });

  it('does not read on while its reader is slow', async () => {
    const writing = Promise.withResolvers<void>();
    let chunks = 0;
    const connection = await open((visit) => {
      const stream = visit.stream();
      const data = 'x'.repeat(64 * 1024);
      const write = (): void => {
        while (chunks < 4_000 && stream.send(note('notifications/message', { level: 'info', data }))) chunks++;
        if (chunks < 4_000) visit.response.once('drain', write);
        writing.resolve();
      };
      write();
    });
    const leave = new AbortController();
    const reply = new Reply(undefined, () => new Promise(() => undefined));
    const outcome = connection.request(toolCall('any'), reply, leave.signal);
    await writing.promise;
    await connection.request({ ...toolCall('none'), method: 'resources/list' }, new Reply(), NEVER);
    // 4,000 chunks of 64 KiB were ready; sockets and buffers took a few dozen.
    expect(chunks).toBeLessThan(1_000);
    leave.abort();
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
  });

  it('is taken up again at the event where its stream ended, after the wait that the server asked for', async () => {
    const connection = await open((visit) => {
      const stream = visit.stream();
      visit.response.write('retry: 150\n');
      stream.send('', '7');
      stream.end();
    });
    const first = performance.now();
    const outcome = connection.request(toolCall('any'), new Reply(), NEVER);
    const call = await server.visited(isCall);
    const resumption = await server.visited(isGet);
    expect(performance.now() - first).toBeGreaterThanOrEqual(140);
    expect(resumption.headers).toMatchObject({ 'last-event-id': '7', 'mcp-session-id': 's1' });
    ears?.send(answerTo(call), '8');
    expect(textOf(await outcome)).toBe('done');
  });

  it('is cancelled at the server by name when its caller leaves', async () => {
    const connection = await open(() => undefined);
    const leave = new AbortController();
    const outcome = connection.request(toolCall('any'), new Reply(), leave.signal);
    const call = await server.visited(isCall);
    leave.abort();
    const started = performance.now();
    const cancelled = await server.visited(({ message }) => message['method'] === 'notifications/cancelled');
    expect(performance.now() - started).toBeLessThan(scaleDeadline(2 * 250));
    expect(cancelled.message['params']).toMatchObject({ requestId: call.message['id'] });
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
    await new Promise((resolve) => (call.response.closed ? resolve(0) : call.response.once('close', resolve)));
  });

  it('is never sent when its caller left before its turn', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    const outcome = await connection.request(toolCall('any'), new Reply(), AbortSignal.abort());
    expect(outcome).toMatchObject({ error: { code: -31004, data: { outcome: 'not_executed' } } });
    expect(server.visits.some(isCall)).toBe(false);
  });

  it('that the server refuses by name with a 404 gets that error, and the session goes on', async () => {
    const error = { code: -32_002, message: 'Resource not found', data: { uri: WATCHED } };
    const connection = await open((visit) => visit.json({ jsonrpc: '2.0', id: visit.message['id'], error }, 404));
    expect(await connection.request(toolCall('any'), new Reply(), NEVER)).toMatchObject({ error });
    expect([connection.closed, bench.events.ends]).toEqual([false, []]);
  });

  it('is refused when too many are under way', async () => {
    bench = new Workbench({ calls: 2 });
    const connection = await open(() => undefined);
    const leave = new AbortController();
    const running = [1, 2].map(() => connection.request(toolCall('any'), new Reply(), leave.signal));
    const refused = await connection.request(toolCall('any'), new Reply(), NEVER);
    expect(refused).toMatchObject({ error: { code: -31003, data: { outcome: 'not_executed', retriable: true } } });
    leave.abort();
    await Promise.all(running);
  });
});

describe('a question of a legacy server', () => {
  const elicitation = { message: 'Name?', requestedSchema: { type: 'object', properties: {} } };

  it('is answered under the id that the server gave it, and a ping at once', async () => {
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
    /** The server asks in the middle of a call that it never answers; the answer is met by `onAnswer`. */
    const callThatAsks = async (onAnswer: (visit: Visit) => void) => {
      const connection = await open((visit) => {
        visit.stream().send(request('q', 'elicitation/create', elicitation));
      }, TALKATIVE_CLIENT);
      const reply = new Reply(async () => {
        server.play((visit) => (isAnswerTo('q')(visit) ? onAnswer(visit) : visit.empty(202)));
        return { result: { action: 'decline' } };
      });
      return { connection, outcome: await connection.request(toolCall('any'), reply, NEVER) };
    };
    const unknown = (why: string) => ({
      error: { code: -31_002, message: expect.stringContaining(why), data: { outcome: 'unknown' } },
    });

    it.each([
      ['refuses it', (visit: Visit) => visit.empty(500)],
      ['breaks off', (visit: Visit) => visit.response.destroy()],
    ])('ends its call at once where the server %s, and the server is told', async (_how, onAnswer) => {
      const { connection, outcome } = await callThatAsks(onAnswer);
      expect(outcome).toMatchObject(unknown('could not be delivered'));
      await server.visited(({ message }) => message['method'] === 'notifications/cancelled');
      expect(connection.closed).toBe(false);
    });

    it('ends its call and the session where the server has forgotten that', async () => {
      const { connection, outcome } = await callThatAsks((visit) => visit.empty(404));
      expect(outcome).toMatchObject(unknown('the server ended the session'));
      expect([connection.closed, bench.events.ends]).toEqual([true, ['the server ended the session']]);
    });
  });

  it('is taken back when the server withdraws it, and then needs no answer', async () => {
    const withdrawn = Promise.withResolvers<void>();
    const connection = await open((visit) => {
      const stream = visit.stream();
      stream.send(request('q', 'elicitation/create', elicitation));
      stream.send(note('notifications/cancelled', { requestId: 'q' }));
      void withdrawn.promise.then(() => stream.send(answerTo(visit)));
    }, TALKATIVE_CLIENT);
    const reply = new Reply((_question, signal) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          withdrawn.resolve();
          reject(new Error('withdrawn'));
        });
      });
    });
    expect(textOf(await connection.request(toolCall('any'), reply, NEVER))).toBe('done');
    expect(server.visits.some(isAnswerTo('q'))).toBe(false);
  });

  it('is refused once the server has taken note that its call is cancelled, not before', async () => {
    const connection = await open((visit) => {
      visit.stream().send(request('q', 'elicitation/create', elicitation));
    }, TALKATIVE_CLIENT);
    const leave = new AbortController();
    const reply = new Reply((_question, signal) => {
      server.play((visit) => (isCall(visit) ? visit.result(TEXT) : undefined));
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('over')));
        leave.abort();
      });
    });
    expect(await connection.request(toolCall('any'), reply, leave.signal)).toMatchObject({ error: { code: -31002 } });
    const cancelled = await server.visited(({ message }) => message['method'] === 'notifications/cancelled');
    expect(textOf(await connection.request(toolCall('next'), new Reply(), NEVER))).toBe('done');
    expect(server.visits.some(isAnswerTo('q'))).toBe(false);
    cancelled.empty(202);
    expect((await server.visited(isAnswerTo('q'))).message).toMatchObject({ error: { code: -32603 } });
  });

  it('that comes beside calls is put to the one call that runs', async () => {
    const connection = await open((visit) => {
      ears?.send(request('q', 'roots/list'));
      void server.visited(isAnswerTo('q')).then(() => visit.result(TEXT));
    }, TALKATIVE_CLIENT);
    const reply = new Reply(async () => ({ result: { roots: [] } }));
    expect(textOf(await connection.request(toolCall('any'), reply, NEVER))).toBe('done');
    expect(reply.questions).toEqual(['roots/list']);
  });

  it('that belongs to no call is refused', async () => {
    await open((visit) => visit.result(TEXT), TALKATIVE_CLIENT);
    ears?.send(request('q', 'roots/list'));
    expect((await server.visited(isAnswerTo('q'))).message).toMatchObject({ error: { code: -32600 } });
  });

  it('that could belong to two calls is refused, and the next calls run one at a time', async () => {
    const held: Visit[] = [];
    const two = Promise.withResolvers<void>();
    const connection = await open((visit) => {
      held.push(visit);
      if (held.length === 2) two.resolve();
    }, TALKATIVE_CLIENT);
    const outcomes = [1, 2].map(() => connection.request(toolCall('any'), new Reply(), NEVER));
    await two.promise;
    ears?.send(request('q', 'roots/list'));
    expect((await server.visited(isAnswerTo('q'))).message).toMatchObject({ error: { code: -32600 } });
    for (const visit of held.splice(0)) visit.result(TEXT);
    await Promise.all(outcomes);
    const later = ['a', 'b'].map((name) => connection.request(toolCall(name), new Reply(), NEVER));
    const first = await server.visited((visit) => isCall(visit) && held.includes(visit));
    await connection.request({ ...toolCall(''), method: 'resources/list' }, new Reply(), NEVER);
    expect(held).toEqual([first]);
    first.result(TEXT);
    const second = await server.visited((visit) => visit !== first && held.includes(visit));
    second.result(TEXT);
    expect((await Promise.all(later)).map(textOf)).toEqual(['done', 'done']);
  });
});

describe('what a session hears beside its calls', () => {
  it('goes to whoever listens to it, or to the owner of the connection', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    const changes: string[] = [];
    const listening = await connection.listen({ toolsListChanged: true, promptsListChanged: true }, ({ method }) => {
      changes.push(method);
    });
    expect(listening.honoured).toEqual({ toolsListChanged: true });
    ears?.send(note('notifications/prompts/list_changed'));
    ears?.send(note('notifications/tools/list_changed'));
    ears?.send(note('notifications/message', { level: 'info', data: 'hello' }));
    ears?.send(note('notifications/elicitation/complete', { elicitationId: '1' }));
    await bench.events.until(({ notifications }) => notifications.length === 2);
    expect(changes).toEqual(['notifications/tools/list_changed']);
    expect(bench.events.notifications.map(({ method }) => method)).toEqual([
      'notifications/message',
      'notifications/elicitation/complete',
    ]);
  });

  it('is subscribed to once for all listeners, and no longer than there are any', async () => {
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

  it('is not promised when the server refuses, and its refusal is told when nothing else was asked for', async () => {
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

  it('is not promised when the server has no stream to tell it on', async () => {
    server.play((visit) => {
      if (isGet(visit)) return visit.json({}, 405);
      return void (greetLegacy(visit, CAPABILITIES) || visit.result({}));
    });
    const connection = await bench.open(remote(server.url));
    const filter = { resourceSubscriptions: [WATCHED], toolsListChanged: true };
    expect((await connection.listen(filter, () => undefined)).honoured).toEqual({});
    await server.visited(({ message }) => message['method'] === 'resources/unsubscribe');
  });

  it('goes on after an interruption where it ended', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    await connection.listen({ toolsListChanged: true }, () => undefined);
    ears?.send(note('notifications/message', { level: 'info', data: 1 }), 'e1');
    await bench.events.until(({ notifications }) => notifications.length === 1);
    ears?.end();
    const again = await server.visited((visit) => visit.headers['last-event-id'] !== undefined);
    expect(again.headers['last-event-id']).toBe('e1');
  });

  it('may have changed unseen during an interruption without event ids, and the listener is told so', async () => {
    const connection = await open((visit) => visit.result(TEXT));
    const changed = Promise.withResolvers<string>();
    await connection.listen({ toolsListChanged: true }, ({ method }) => changed.resolve(method));
    ears?.end();
    expect(await changed.promise).toBe('notifications/tools/list_changed');
  });
});
