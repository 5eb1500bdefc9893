import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject, McpNotification } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { Listening, UpstreamConnection } from '../upstream-connection.js';
import { NEVER, remote, Reply, toolCall, Workbench } from './connector-fixture.js';
import {
  greetModern,
  startScriptedServer,
  type EventWriter,
  type ScriptedServer,
  type Visit,
} from './scripted-server.js';

const FILTER = { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: ['file:///a', 'file:///b'] };
const HONOURED = { toolsListChanged: true, resourceSubscriptions: ['file:///a'] };

let server: ScriptedServer;
let bench: Workbench;

const metaOf = (visit: Visit): JsonObject => ({ 'io.modelcontextprotocol/subscriptionId': visit.message['id'] });
const isListen = ({ message }: Visit): boolean => message['method'] === 'subscriptions/listen';

function say(stream: EventWriter, visit: Visit, method: string, params: JsonObject = {}): void {
  stream.send({ jsonrpc: '2.0', method, params: { ...params, _meta: metaOf(visit) } });
}

/** Acknowledges less than was asked for, and hands each stream to the test. */
function serveListening(onListen: (stream: EventWriter, visit: Visit) => void = () => undefined): void {
  server.play((visit) => {
    if (greetModern(visit)) return;
    const stream = visit.stream();
    const granted = { ...HONOURED, resourcesListChanged: true };
    say(stream, visit, 'notifications/subscriptions/acknowledged', { notifications: granted });
    onListen(stream, visit);
  });
}

class Ear {
  readonly heard: McpNotification[] = [];
  private wake: () => void = () => undefined;

  readonly take = (change: McpNotification): void => {
    this.heard.push(change);
    this.wake();
  };

  async until(count: number): Promise<void> {
    while (this.heard.length < count) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

beforeEach(async () => {
  bench = new Workbench();
  server = await startScriptedServer((visit) => void greetModern(visit));
});

afterEach(async () => {
  await bench.close();
  await server.close();
});

async function listen(connection: UpstreamConnection, ear = new Ear()): Promise<{ listening: Listening; ear: Ear }> {
  return { listening: await connection.listen(FILTER, ear.take), ear };
}

describe('a subscription at a modern server', () => {
  it('honours what was asked for and granted, and tells of nothing else', async () => {
    serveListening((stream, visit) => {
      say(stream, visit, 'notifications/prompts/list_changed');
      say(stream, visit, 'notifications/resources/updated', { uri: 'file:///b' });
      say(stream, visit, 'notifications/resources/updated', { uri: 'file:///a' });
      say(stream, visit, 'notifications/tools/list_changed', { detail: 1 });
    });
    const { listening, ear } = await listen(await bench.open(remote(server.url)));
    expect(listening.honoured).toEqual(HONOURED);
    await ear.until(2);
    expect(ear.heard).toEqual([
      { method: 'notifications/resources/updated', params: { uri: 'file:///a' } },
      { method: 'notifications/tools/list_changed', params: { detail: 1 } },
    ]);
    const { headers, message } = await server.visited(isListen);
    expect(headers).toMatchObject({ 'mcp-method': 'subscriptions/listen' });
    expect(message['params']).toMatchObject({ notifications: FILTER });
  });

  it('ends at the server when nobody listens any more', async () => {
    const gone = Promise.withResolvers<void>();
    serveListening((stream) => void stream.closed.then(gone.resolve));
    const { listening } = await listen(await bench.open(remote(server.url)));
    await listening.close();
    await expect(gone.promise).resolves.toBeUndefined();
  });

  it('is opened again when its stream ends, and says that something may have been missed', async () => {
    const streams: EventWriter[] = [];
    serveListening((stream) => streams.push(stream));
    const { ear } = await listen(await bench.open(remote(server.url)));
    streams[0]?.end();
    await ear.until(2);
    expect(ear.heard).toEqual([
      { method: 'notifications/tools/list_changed', params: {} },
      { method: 'notifications/resources/updated', params: { uri: 'file:///a' } },
    ]);
    expect(streams).toHaveLength(2);
  });

  it.each<[string, (visit: Visit) => void, number]>([
    [
      'its refusal',
      (visit) => visit.json({ jsonrpc: '2.0', id: visit.message['id'], error: { code: -32601, message: 'No' } }, 404),
      -32601,
    ],
    ['HTTP 503', (visit) => visit.empty(503), -31004],
    ['a result without an acknowledgement', (visit) => visit.result({ resultType: 'complete' }), -31005],
    ['the end of the stream', (visit) => visit.stream().end(), -31005],
  ])('fails with %s', async (_what, answer, code) => {
    const connection = await bench.open(remote(server.url));
    server.play(answer);
    await expect(connection.listen(FILTER, () => undefined)).rejects.toMatchObject({ code });
  });

  it('fails when it is not acknowledged in time', async () => {
    const connection = await bench.open(
      remote(server.url, { timeouts: { connectMs: scaleDeadline(200), requestMs: 5_000 } }),
    );
    server.play((visit) => void visit.stream());
    await expect(connection.listen(FILTER, () => undefined)).rejects.toMatchObject({ code: -31002 });
  });

  it('ends with its connection', async () => {
    const gone = Promise.withResolvers<void>();
    serveListening((stream) => void stream.closed.then(gone.resolve));
    const connection = await bench.open(remote(server.url));
    await listen(connection);
    await connection.close();
    await gone.promise;
    await expect(connection.listen(FILTER, () => undefined)).rejects.toMatchObject({ code: -31004 });
  });
});

describe('a call to a modern server', () => {
  it('is cancelled by closing its stream, at once', async () => {
    const connection = await bench.open(remote(server.url));
    const closed = Promise.withResolvers<number>();
    server.play((visit) => {
      visit.stream();
      visit.response.once('close', () => closed.resolve(performance.now()));
    });
    const leave = new AbortController();
    const outcome = connection.request(toolCall('any'), new Reply(), leave.signal);
    await server.visited(({ message }) => message['method'] === 'tools/call');
    const left = performance.now();
    leave.abort();
    expect((await closed.promise) - left).toBeLessThan(scaleDeadline(2 * 250));
    expect(await outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
  });

  it('goes on while its server is met anew by a changed definition', async () => {
    const connection = await bench.open(remote(server.url));
    const arrived = Promise.withResolvers<Visit>();
    server.play((visit) => arrived.resolve(visit));
    const outcome = connection.request(toolCall('any'), new Reply(), NEVER);
    const visit = await arrived.promise;
    bench.connector.forget('subject');
    await connection.close();
    visit.result({ resultType: 'complete', content: [] });
    expect(await outcome).toMatchObject({ kind: 'result' });
  });
});
