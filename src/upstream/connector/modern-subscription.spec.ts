import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject, McpNotification } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';
import type { UpstreamSubscription, UpstreamConnection } from '../upstream-connection.js';
import { NEVER, httpServer, RecordedReply, toolCall, ConnectorHarness } from './connector-fixture.js';
import {
  answerDiscovery,
  startScriptedServer,
  type EventWriter,
  type ScriptedServer,
  type ReceivedRequest,
} from './scripted-server.js';

const FILTER = { toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: ['file:///a', 'file:///b'] };
const HONOURED = { toolsListChanged: true, resourceSubscriptions: ['file:///a'] };

let server: ScriptedServer;
let bench: ConnectorHarness;

const metaOf = (visit: ReceivedRequest): JsonObject => ({
  'io.modelcontextprotocol/subscriptionId': visit.message['id'],
});
const isListen = ({ message }: ReceivedRequest): boolean => message['method'] === 'subscriptions/listen';

function notify(stream: EventWriter, visit: ReceivedRequest, method: string, params: JsonObject = {}): void {
  stream.send({ jsonrpc: '2.0', method, params: { ...params, _meta: metaOf(visit) } });
}

/** Acknowledges less than the requested filter, and passes each stream to the test. */
function serveSubscriptions(onListen: (stream: EventWriter, visit: ReceivedRequest) => void = () => undefined): void {
  server.setScript((visit) => {
    if (answerDiscovery(visit)) return;
    const stream = visit.stream();
    const granted = { ...HONOURED, resourcesListChanged: true };
    notify(stream, visit, 'notifications/subscriptions/acknowledged', { notifications: granted });
    onListen(stream, visit);
  });
}

class RecordedChanges {
  readonly all: McpNotification[] = [];
  private wake: () => void = () => undefined;

  readonly add = (change: McpNotification): void => {
    this.all.push(change);
    this.wake();
  };

  async until(count: number): Promise<void> {
    while (this.all.length < count) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

beforeEach(async () => {
  bench = new ConnectorHarness();
  server = await startScriptedServer((visit) => void answerDiscovery(visit));
});

afterEach(async () => {
  await bench.close();
  await server.close();
});

async function subscribe(
  connection: UpstreamConnection,
  changes = new RecordedChanges(),
): Promise<{ subscription: UpstreamSubscription; changes: RecordedChanges }> {
  return { subscription: await connection.subscribe(FILTER, changes.add), changes };
}

describe('a subscription at a modern server', () => {
  it('delivers only changes that were both requested and granted', async () => {
    serveSubscriptions((stream, visit) => {
      notify(stream, visit, 'notifications/prompts/list_changed');
      notify(stream, visit, 'notifications/resources/updated', { uri: 'file:///b' });
      notify(stream, visit, 'notifications/resources/updated', { uri: 'file:///a' });
      notify(stream, visit, 'notifications/tools/list_changed', { detail: 1 });
    });
    const { subscription, changes } = await subscribe(await bench.open(httpServer(server.url)));
    expect(subscription.honoured).toEqual(HONOURED);
    await changes.until(2);
    expect(changes.all).toEqual([
      { method: 'notifications/resources/updated', params: { uri: 'file:///a' } },
      { method: 'notifications/tools/list_changed', params: { detail: 1 } },
    ]);
    const { headers, message } = await server.waitForRequest(isListen);
    expect(headers).toMatchObject({ 'mcp-method': 'subscriptions/listen' });
    expect(message['params']).toMatchObject({ notifications: FILTER });
  });

  it('ends its stream at the server when it is closed', async () => {
    const streamClosed = Promise.withResolvers<void>();
    serveSubscriptions((stream) => void stream.closed.then(streamClosed.resolve));
    const { subscription } = await subscribe(await bench.open(httpServer(server.url)));
    await subscription.close();
    await expect(streamClosed.promise).resolves.toBeUndefined();
  });

  it('reopens a stream that ended and reports that changes may have been missed', async () => {
    const streams: EventWriter[] = [];
    serveSubscriptions((stream) => streams.push(stream));
    const { changes } = await subscribe(await bench.open(httpServer(server.url)));
    streams[0]?.end();
    await changes.until(2);
    expect(changes.all).toEqual([
      { method: 'notifications/tools/list_changed', params: {} },
      { method: 'notifications/resources/updated', params: { uri: 'file:///a' } },
    ]);
    expect(streams).toHaveLength(2);
  });

  it.each<[string, (visit: ReceivedRequest) => void, number]>([
    [
      'an error',
      (visit) => visit.json({ jsonrpc: '2.0', id: visit.message['id'], error: { code: -32601, message: 'No' } }, 404),
      -32601,
    ],
    ['HTTP 503', (visit) => visit.empty(503), -31004],
    ['a result without an acknowledgement', (visit) => visit.result({ resultType: 'complete' }), -31005],
    ['the end of the stream', (visit) => visit.stream().end(), -31005],
  ])('rejects when the server answers with %s', async (_what, answer, code) => {
    const connection = await bench.open(httpServer(server.url));
    server.setScript(answer);
    await expect(connection.subscribe(FILTER, () => undefined)).rejects.toMatchObject({ code });
  });

  it('fails when it is not acknowledged in time', async () => {
    const connection = await bench.open(
      httpServer(server.url, { timeouts: { connectMs: scaleDeadline(200), requestMs: 5_000 } }),
    );
    server.setScript((visit) => void visit.stream());
    await expect(connection.subscribe(FILTER, () => undefined)).rejects.toMatchObject({ code: -31002 });
  });

  it('ends its stream when the connection is closed', async () => {
    const streamClosed = Promise.withResolvers<void>();
    serveSubscriptions((stream) => void stream.closed.then(streamClosed.resolve));
    const connection = await bench.open(httpServer(server.url));
    await subscribe(connection);
    await connection.close();
    await streamClosed.promise;
    await expect(connection.subscribe(FILTER, () => undefined)).rejects.toMatchObject({ code: -31004 });
  });
});

describe('a call to a modern server', () => {
  it('closes its stream immediately when it is cancelled', async () => {
    const connection = await bench.open(httpServer(server.url));
    const closed = Promise.withResolvers<number>();
    server.setScript((visit) => {
      visit.stream();
      visit.response.once('close', () => closed.resolve(performance.now()));
    });
    const leave = new AbortController();
    const outcome = connection.request(toolCall('any'), new RecordedReply(), leave.signal);
    await server.waitForRequest(({ message }) => message['method'] === 'tools/call');
    const left = performance.now();
    leave.abort();
    expect((await closed.promise) - left).toBeLessThan(scaleDeadline(2 * 250));
    expect(await outcome).toMatchObject({ error: { code: -31002, data: { outcome: 'unknown' } } });
  });

  it('completes after the connector evicted its server because of a changed definition', async () => {
    const connection = await bench.open(httpServer(server.url));
    const arrived = Promise.withResolvers<ReceivedRequest>();
    server.setScript((visit) => arrived.resolve(visit));
    const outcome = connection.request(toolCall('any'), new RecordedReply(), NEVER);
    const visit = await arrived.promise;
    bench.connector.evict('subject');
    await connection.close();
    visit.result({ resultType: 'complete', content: [] });
    expect(await outcome).toMatchObject({ kind: 'result' });
  });
});
