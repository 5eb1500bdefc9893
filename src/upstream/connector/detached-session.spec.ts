import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startReferenceServer } from '#lib/testing/reference-server';
import { until } from '../../../test/support/until.js';
import type { ServerDefinition } from '../../registry/index.js';
import type { UpstreamConnection } from '../upstream-connection.js';
import { readUpstreamSession, type UpstreamSessionState } from '../upstream-session-state.js';
import {
  stdioServer,
  RecordedEvents,
  NEVER,
  httpServer,
  RecordedReply,
  CLIENT_WITHOUT_CAPABILITIES,
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

const TEXT = { content: [{ type: 'text', text: 'done' }] };
const isGet = ({ httpMethod: verb }: ReceivedRequest): boolean => verb === 'GET';
const isCall = ({ message }: ReceivedRequest): boolean => message['method'] === 'tools/call';
const hasMethod = (method: string) => (visit: ReceivedRequest) => visit.message['method'] === method;
const LOGGED = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'hello' } };

let server: ScriptedServer;
/** The connectors of two workers. */
let previousOwner: ConnectorHarness;
let newOwner: ConnectorHarness;
let serverStreams: EventWriter[];
let onCall: (visit: ReceivedRequest) => void;

const count = (matches: (visit: ReceivedRequest) => boolean): number => server.requests.filter(matches).length;

/** Detaches the session and serializes its state, as in the transfer between workers. */
function detach(connection: UpstreamConnection): UpstreamSessionState {
  const state = readUpstreamSession(JSON.parse(JSON.stringify(connection.detachSession?.())));
  if (state === undefined) throw new Error('No session was detached');
  return state;
}

function adopt(
  state: UpstreamSessionState,
  client = CLIENT_WITHOUT_CAPABILITIES,
  events = newOwner.events,
): UpstreamConnection {
  const connection = newOwner.connector.adoptSession(httpServer(server.url), client, state, events);
  if (connection === undefined) throw new Error('The session was not adopted');
  return connection;
}

beforeEach(async () => {
  [previousOwner, newOwner] = [new ConnectorHarness(), new ConnectorHarness()];
  serverStreams = [];
  onCall = (visit) => visit.result(TEXT);
  server = await startScriptedServer((visit) => {
    if (isGet(visit)) serverStreams.push(visit.stream());
    else if (isCall(visit)) onCall(visit);
    else if (!answerLegacyHandshake(visit, { tools: { listChanged: true }, resources: { subscribe: true } }))
      visit.result({});
  });
});

afterEach(async () => {
  await Promise.all([previousOwner.close(), newOwner.close()]);
  await server.close();
});

describe('a detached session', () => {
  it('is adopted without a new handshake, without a DELETE and without reuse of request ids', async () => {
    const before = await previousOwner.open(httpServer(server.url));
    await before.request(toolCall('one'), new RecordedReply(), NEVER);
    const after = adopt(detach(before));
    await before.close();
    expect(after.profile).toEqual(before.profile);
    expect(toResultText(await after.request(toolCall('two'), new RecordedReply(), NEVER))).toBe('done');
    expect([count(hasMethod('initialize')), count(({ httpMethod: verb }) => verb === 'DELETE')]).toEqual([1, 0]);
    const calls = server.requests.filter(isCall);
    expect(calls.map(({ headers }) => headers['mcp-session-id'])).toEqual(['s1', 's1']);
    expect(calls[1]?.headers['mcp-protocol-version']).toBe(before.profile.revision);
    expect(Number(calls[1]?.message['id'])).toBeGreaterThan(Number(calls[0]?.message['id']));
    await after.close();
    expect(count(({ httpMethod: verb }) => verb === 'DELETE')).toBe(1);
  });

  it('serves no further call at the previous owner and cannot be detached twice', async () => {
    const before = await previousOwner.open(httpServer(server.url));
    detach(before);
    expect([before.closed, before.detachSession?.()]).toEqual([true, undefined]);
    expect(await before.request(toolCall('late'), new RecordedReply(), NEVER)).toMatchObject({
      error: { code: -31004, data: { outcome: 'not_executed', retriable: true } },
    });
    await expect(before.subscribe({ toolsListChanged: true }, () => undefined)).rejects.toMatchObject({ code: -31004 });
    await before.notify({ method: 'notifications/roots/list_changed', params: {} });
    expect([count(isCall), count(isGet), count(hasMethod('notifications/roots/list_changed'))]).toEqual([0, 0, 0]);
    expect(previousOwner.events.closeReasons).toEqual([]);
  });

  it('still completes in-flight calls and their questions at the previous owner', async () => {
    const opened = Promise.withResolvers<EventWriter>();
    onCall = (visit) => {
      const stream = visit.stream();
      opened.resolve(stream);
      const isAnswer = ({ message }: ReceivedRequest) => message['id'] === 'q';
      void server
        .waitForRequest(isAnswer)
        .then(() => stream.send({ jsonrpc: '2.0', id: visit.message['id'], result: TEXT }));
    };
    const before = await previousOwner.open(httpServer(server.url), CLIENT_WITH_ALL_CAPABILITIES);
    const outcome = before.request(toolCall('long'), new RecordedReply(async () => ({ result: { roots: [] } })), NEVER);
    const stream = await opened.promise;
    detach(before);
    stream.send({ jsonrpc: '2.0', id: 'q', method: 'roots/list' });
    expect(toResultText(await outcome)).toBe('done');
  });

  it('still cancels an in-flight call at the server', async () => {
    onCall = () => undefined;
    const before = await previousOwner.open(httpServer(server.url));
    const controller = new AbortController();
    const outcome = before.request(toolCall('long'), new RecordedReply(), controller.signal);
    const call = await server.waitForRequest(isCall);
    detach(before);
    controller.abort();
    const cancelled = await server.waitForRequest(hasMethod('notifications/cancelled'));
    expect(cancelled.message['params']).toMatchObject({ requestId: call.message['id'] });
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
  });

  it('resumes its server stream at the last event once the server has released the previous stream', async () => {
    const before = await previousOwner.open(httpServer(server.url), CLIENT_WITH_ALL_CAPABILITIES);
    serverStreams[0]?.send(LOGGED, 'e1');
    await previousOwner.events.until(({ notifications }) => notifications.length === 1);
    let rejections = 0;
    server.setScript((visit) => (rejections++ === 0 ? visit.json({}, 409) : void serverStreams.push(visit.stream())));
    const state = detach(before);
    await serverStreams[0]?.closed;
    adopt(state, CLIENT_WITH_ALL_CAPABILITIES);
    await server.waitForRequest((visit) => isGet(visit) && visit === server.requests.filter(isGet)[2]);
    const visits = server.requests.filter(isGet).slice(1);
    expect(visits.map(({ headers }) => headers['last-event-id'])).toEqual(['e1', 'e1']);
    serverStreams[1]?.send(LOGGED);
    await newOwner.events.until(({ notifications }) => notifications.length === 1);
    expect(previousOwner.events.notifications).toHaveLength(1);
  });

  it('notifies the first subscriber of the new owner that everything may have changed', async () => {
    const before = await previousOwner.open(httpServer(server.url));
    const filter = { toolsListChanged: true, resourceSubscriptions: ['file:///watched'] };
    const subscription = await before.subscribe(filter, () => undefined);
    const after = adopt(detach(before));
    await subscription.close();
    const changes: string[] = [];
    await after.subscribe(filter, ({ method }) => void changes.push(method));
    expect(changes).toEqual(['notifications/tools/list_changed', 'notifications/resources/updated']);
    expect(count(hasMethod('resources/unsubscribe'))).toBe(0);
  });

  it('does not report missed changes of lists that the new owner already observes', async () => {
    const after = adopt(detach(await previousOwner.open(httpServer(server.url))));
    const lists = { toolsListChanged: true };
    const first = await after.subscribe(lists, () => undefined);
    const changes: string[] = [];
    const watched = { ...lists, resourceSubscriptions: ['file:///watched'] };
    await after.subscribe(watched, ({ method }) => void changes.push(method));
    await first.close();
    expect(changes).toEqual(['notifications/resources/updated']);
  });

  it('ends at its first call, which is not executed, when the server no longer knows it', async () => {
    const state = detach(await previousOwner.open(httpServer(server.url)));
    onCall = (visit) => visit.empty(404);
    const events = new RecordedEvents();
    const after = adopt(state, CLIENT_WITHOUT_CAPABILITIES, events);
    expect(await after.request(toolCall('one'), new RecordedReply(), NEVER)).toMatchObject({
      error: { code: -31004, data: { outcome: 'not_executed', retriable: true } },
    });
    expect([after.closed, events.closeReasons.length]).toEqual([true, 1]);
  });

  it('needs no session id when the server uses none', async () => {
    server.setScript((visit) => {
      if (hasMethod('initialize')(visit)) {
        visit.result({ protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 's', version: '1' } });
      } else if (isCall(visit)) visit.result(TEXT);
      else visit.empty(visit.message['method'] === 'server/discover' ? 404 : 202);
    });
    const state = detach(await previousOwner.open(httpServer(server.url)));
    expect(state.sessionId).toBeUndefined();
    expect(toResultText(await adopt(state).request(toolCall('one'), new RecordedReply(), NEVER))).toBe('done');
    expect(server.requests.find(isCall)?.headers).toMatchObject({ 'mcp-protocol-version': '2025-06-18' });
  });
});

describe('a session with the reference server', () => {
  it('is handed over twice with its calls and subscriptions, and is deleted by its last owner', async () => {
    const real = await startReferenceServer({ era: 'legacy', transport: 'http' });
    const third = new ConnectorHarness();
    let connection = await previousOwner.open(httpServer(real.url), CLIENT_WITH_ALL_CAPABILITIES);
    const filter = { toolsListChanged: true };
    for (const bench of [newOwner, third]) {
      await connection.subscribe(filter, () => undefined);
      const state = detach(connection);
      const next = bench.connector.adoptSession(
        httpServer(real.url),
        CLIENT_WITH_ALL_CAPABILITIES,
        state,
        bench.events,
      );
      if (next === undefined) throw new Error('The session was not adopted');
      connection = next;
      const changes: string[] = [];
      await connection.subscribe(filter, ({ method }) => void changes.push(method));
      const countBefore = changes.length;
      expect(
        toResultText(await connection.request(toolCall('add', { a: 1, b: 2 }), new RecordedReply(), NEVER)),
      ).toContain('3');
      await connection.request(toolCall('change_tools'), new RecordedReply(), NEVER);
      await until(() => changes.length > countBefore);
    }
    expect(real.openSessions).toBe(1);
    await connection.close();
    expect(real.openSessions).toBe(0);
    await third.close();
    await real.close();
  });
});

describe('adoptSession', () => {
  it('returns undefined for a server with another slug or another transport', async () => {
    const state = detach(await previousOwner.open(httpServer(server.url)));
    const offer = (to: ServerDefinition) =>
      newOwner.connector.adoptSession(to, CLIENT_WITHOUT_CAPABILITIES, state, newOwner.events);
    expect(offer(httpServer(server.url, { slug: 'other' }))).toBeUndefined();
    expect(offer(httpServer(server.url, { transport: 'sse' }))).toBeUndefined();
    expect(offer(stdioServer('true', []))).toBeUndefined();
  });

  it.each([
    undefined,
    null,
    'state',
    {},
    { server: 'subject', lastId: 1 },
    { server: 'subject', lastId: 1, profile: { era: 'legacy', revision: '2025-06-18' } },
    { server: 'subject', lastId: -1, profile: { era: 'legacy', revision: '2025-06-18', capabilities: {} } },
    { server: 'subject', lastId: 1, sessionId: 'a\r\nb', profile: { era: 'legacy', revision: 'x', capabilities: {} } },
    { server: 'subject', lastId: 1, stream: 'e1', profile: { era: 'legacy', revision: 'x', capabilities: {} } },
  ])('has no session to adopt when the serialized state is invalid: %j', (value) => {
    expect(readUpstreamSession(value)).toBeUndefined();
  });
});
