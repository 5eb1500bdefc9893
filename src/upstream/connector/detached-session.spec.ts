import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startReferenceServer } from '#lib/testing/reference-server';
import { until } from '../../../test/support/until.js';
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
const saying = (method: string) => (visit: ReceivedRequest) => visit.message['method'] === method;
const LOGGED = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'hello' } };

let server: ScriptedServer;
/** Two workers. */
let owner: ConnectorHarness;
let heir: ConnectorHarness;
let ears: EventWriter[];
let onCall: (visit: ReceivedRequest) => void;

const count = (fits: (visit: ReceivedRequest) => boolean): number => server.requests.filter(fits).length;

/** As it travels from worker to worker. */
function surrendered(connection: UpstreamConnection): UpstreamSessionState {
  const state = readUpstreamSession(JSON.parse(JSON.stringify(connection.detachSession?.())));
  if (state === undefined) throw new Error('Nothing was surrendered');
  return state;
}

function adopted(
  state: UpstreamSessionState,
  client = CLIENT_WITHOUT_CAPABILITIES,
  events = heir.events,
): UpstreamConnection {
  const connection = heir.connector.adoptSession(httpServer(server.url), client, state, events);
  if (connection === undefined) throw new Error('The session was not adopted');
  return connection;
}

beforeEach(async () => {
  [owner, heir] = [new ConnectorHarness(), new ConnectorHarness()];
  ears = [];
  onCall = (visit) => visit.result(TEXT);
  server = await startScriptedServer((visit) => {
    if (isGet(visit)) ears.push(visit.stream());
    else if (isCall(visit)) onCall(visit);
    else if (!answerLegacyHandshake(visit, { tools: { listChanged: true }, resources: { subscribe: true } }))
      visit.result({});
  });
});

afterEach(async () => {
  await Promise.all([owner.close(), heir.close()]);
  await server.close();
});

describe('a session that is surrendered', () => {
  it('goes on at another worker: no new handshake, no end, and no id twice', async () => {
    const before = await owner.open(httpServer(server.url));
    await before.request(toolCall('one'), new RecordedReply(), NEVER);
    const after = adopted(surrendered(before));
    await before.close();
    expect(after.profile).toEqual(before.profile);
    expect(toResultText(await after.request(toolCall('two'), new RecordedReply(), NEVER))).toBe('done');
    expect([count(saying('initialize')), count(({ httpMethod: verb }) => verb === 'DELETE')]).toEqual([1, 0]);
    const calls = server.requests.filter(isCall);
    expect(calls.map(({ headers }) => headers['mcp-session-id'])).toEqual(['s1', 's1']);
    expect(calls[1]?.headers['mcp-protocol-version']).toBe(before.profile.revision);
    expect(Number(calls[1]?.message['id'])).toBeGreaterThan(Number(calls[0]?.message['id']));
    await after.close();
    expect(count(({ httpMethod: verb }) => verb === 'DELETE')).toBe(1);
  });

  it('serves no further call where it was, and only once can it be given away', async () => {
    const before = await owner.open(httpServer(server.url));
    surrendered(before);
    expect([before.closed, before.detachSession?.()]).toEqual([true, undefined]);
    expect(await before.request(toolCall('late'), new RecordedReply(), NEVER)).toMatchObject({
      error: { code: -31004, data: { outcome: 'not_executed', retriable: true } },
    });
    await expect(before.subscribe({ toolsListChanged: true }, () => undefined)).rejects.toMatchObject({ code: -31004 });
    await before.notify({ method: 'notifications/roots/list_changed', params: {} });
    expect([count(isCall), count(isGet), count(saying('notifications/roots/list_changed'))]).toEqual([0, 0, 0]);
    expect(owner.events.closeReasons).toEqual([]);
  });

  it('still answers the calls under way, and their questions', async () => {
    const asked = Promise.withResolvers<EventWriter>();
    onCall = (visit) => {
      const stream = visit.stream();
      asked.resolve(stream);
      const isAnswer = ({ message }: ReceivedRequest) => message['id'] === 'q';
      void server
        .waitForRequest(isAnswer)
        .then(() => stream.send({ jsonrpc: '2.0', id: visit.message['id'], result: TEXT }));
    };
    const before = await owner.open(httpServer(server.url), CLIENT_WITH_ALL_CAPABILITIES);
    const outcome = before.request(toolCall('long'), new RecordedReply(async () => ({ result: { roots: [] } })), NEVER);
    const stream = await asked.promise;
    surrendered(before);
    stream.send({ jsonrpc: '2.0', id: 'q', method: 'roots/list' });
    expect(toResultText(await outcome)).toBe('done');
  });

  it('can be cancelled at the server until the last call is over', async () => {
    onCall = () => undefined;
    const before = await owner.open(httpServer(server.url));
    const leave = new AbortController();
    const outcome = before.request(toolCall('long'), new RecordedReply(), leave.signal);
    const call = await server.waitForRequest(isCall);
    surrendered(before);
    leave.abort();
    const cancelled = await server.waitForRequest(saying('notifications/cancelled'));
    expect(cancelled.message['params']).toMatchObject({ requestId: call.message['id'] });
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
  });

  it('is heard where it was left off, once the server has let the old stream go', async () => {
    const before = await owner.open(httpServer(server.url), CLIENT_WITH_ALL_CAPABILITIES);
    ears[0]?.send(LOGGED, 'e1');
    await owner.events.until(({ notifications }) => notifications.length === 1);
    let refusals = 0;
    server.setScript((visit) => (refusals++ === 0 ? visit.json({}, 409) : void ears.push(visit.stream())));
    const state = surrendered(before);
    await ears[0]?.closed;
    adopted(state, CLIENT_WITH_ALL_CAPABILITIES);
    await server.waitForRequest((visit) => isGet(visit) && visit === server.requests.filter(isGet)[2]);
    const visits = server.requests.filter(isGet).slice(1);
    expect(visits.map(({ headers }) => headers['last-event-id'])).toEqual(['e1', 'e1']);
    ears[1]?.send(LOGGED);
    await heir.events.until(({ notifications }) => notifications.length === 1);
    expect(owner.events.notifications).toHaveLength(1);
  });

  it('has whoever listens anew look at everything: nobody heard what changed meanwhile', async () => {
    const before = await owner.open(httpServer(server.url));
    const filter = { toolsListChanged: true, resourceSubscriptions: ['file:///watched'] };
    const listening = await before.subscribe(filter, () => undefined);
    const after = adopted(surrendered(before));
    await listening.close();
    const changes: string[] = [];
    await after.subscribe(filter, ({ method }) => void changes.push(method));
    expect(changes).toEqual(['notifications/tools/list_changed', 'notifications/resources/updated']);
    expect(count(saying('resources/unsubscribe'))).toBe(0);
  });

  it('has nobody look again at what is listened to there already', async () => {
    const after = adopted(surrendered(await owner.open(httpServer(server.url))));
    const lists = { toolsListChanged: true };
    const first = await after.subscribe(lists, () => undefined);
    const changes: string[] = [];
    const watched = { ...lists, resourceSubscriptions: ['file:///watched'] };
    await after.subscribe(watched, ({ method }) => void changes.push(method));
    await first.close();
    expect(changes).toEqual(['notifications/resources/updated']);
  });

  it('that the server has forgotten is lost at the first call, which did not run', async () => {
    const state = surrendered(await owner.open(httpServer(server.url)));
    onCall = (visit) => visit.empty(404);
    const events = new RecordedEvents();
    const after = adopted(state, CLIENT_WITHOUT_CAPABILITIES, events);
    expect(await after.request(toolCall('one'), new RecordedReply(), NEVER)).toMatchObject({
      error: { code: -31004, data: { outcome: 'not_executed', retriable: true } },
    });
    expect([after.closed, events.closeReasons.length]).toEqual([true, 1]);
  });

  it('needs no session id where the server keeps no sessions', async () => {
    server.setScript((visit) => {
      if (saying('initialize')(visit)) {
        visit.result({ protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 's', version: '1' } });
      } else if (isCall(visit)) visit.result(TEXT);
      else visit.empty(visit.message['method'] === 'server/discover' ? 404 : 202);
    });
    const state = surrendered(await owner.open(httpServer(server.url)));
    expect(state.sessionId).toBeUndefined();
    expect(toResultText(await adopted(state).request(toolCall('one'), new RecordedReply(), NEVER))).toBe('done');
    expect(server.requests.find(isCall)?.headers).toMatchObject({ 'mcp-protocol-version': '2025-06-18' });
  });
});

describe('a session with a real server', () => {
  it('goes from hand to hand with its calls and its changes, and ends in the last one', async () => {
    const real = await startReferenceServer({ era: 'legacy', transport: 'http' });
    const third = new ConnectorHarness();
    let connection = await owner.open(httpServer(real.url), CLIENT_WITH_ALL_CAPABILITIES);
    const filter = { toolsListChanged: true };
    for (const bench of [heir, third]) {
      await connection.subscribe(filter, () => undefined);
      const state = surrendered(connection);
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
      const heard = changes.length;
      expect(
        toResultText(await connection.request(toolCall('add', { a: 1, b: 2 }), new RecordedReply(), NEVER)),
      ).toContain('3');
      await connection.request(toolCall('change_tools'), new RecordedReply(), NEVER);
      await until(() => changes.length > heard);
    }
    expect(real.openSessions).toBe(1);
    await connection.close();
    expect(real.openSessions).toBe(0);
    await third.close();
    await real.close();
  });
});

describe('a session that cannot be given away', () => {
  it('is one of another kind of server than the one that it is offered to', async () => {
    const state = surrendered(await owner.open(httpServer(server.url)));
    const { adoptSession: adopt } = heir.connector;
    const offer = (to: Parameters<typeof adopt>[0]) =>
      heir.connector.adoptSession(to, CLIENT_WITHOUT_CAPABILITIES, state, heir.events);
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
  ])('is one whose description cannot be read: %j', (value) => {
    expect(readUpstreamSession(value)).toBeUndefined();
  });
});
