import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startReferenceServer } from '#lib/testing/reference-server';
import { until } from '../../../test/support/until.js';
import type { ServerDefinition } from '../../registry/index.js';
import type { UpstreamConnection } from '../upstream-connection.js';
import { readUpstreamSession, type UpstreamSessionState } from '../upstream-session-state.js';
import {
  child,
  Events,
  NEVER,
  remote,
  Reply,
  SILENT_CLIENT,
  TALKATIVE_CLIENT,
  textOf,
  toolCall,
  Workbench,
} from './connector-fixture.js';
import {
  greetLegacy,
  startScriptedServer,
  type EventWriter,
  type ScriptedServer,
  type Visit,
} from './scripted-server.js';

const TEXT = { content: [{ type: 'text', text: 'done' }] };
const isGet = ({ verb }: Visit): boolean => verb === 'GET';
const isCall = ({ message }: Visit): boolean => message['method'] === 'tools/call';
const hasMethod = (method: string) => (visit: Visit) => visit.message['method'] === method;
const LOGGED = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'hello' } };

let server: ScriptedServer;
/** The connectors of two workers. */
let previousOwner: Workbench;
let newOwner: Workbench;
let serverStreams: EventWriter[];
let onCall: (visit: Visit) => void;

const count = (matches: (visit: Visit) => boolean): number => server.visits.filter(matches).length;

/** Detaches the session and serializes its state, as in the transfer between workers. */
function detach(connection: UpstreamConnection): UpstreamSessionState {
  const state = readUpstreamSession(JSON.parse(JSON.stringify(connection.surrender?.())));
  if (state === undefined) throw new Error('No session was detached');
  return state;
}

function adopt(state: UpstreamSessionState, client = SILENT_CLIENT, events = newOwner.events): UpstreamConnection {
  const connection = newOwner.connector.adopt(remote(server.url), client, state, events);
  if (connection === undefined) throw new Error('The session was not adopted');
  return connection;
}

beforeEach(async () => {
  [previousOwner, newOwner] = [new Workbench(), new Workbench()];
  serverStreams = [];
  onCall = (visit) => visit.result(TEXT);
  server = await startScriptedServer((visit) => {
    if (isGet(visit)) serverStreams.push(visit.stream());
    else if (isCall(visit)) onCall(visit);
    else if (!greetLegacy(visit, { tools: { listChanged: true }, resources: { subscribe: true } })) visit.result({});
  });
});

afterEach(async () => {
  await Promise.all([previousOwner.close(), newOwner.close()]);
  await server.close();
});

describe('a detached session', () => {
  it('is adopted without a new handshake, without a DELETE and without reuse of request ids', async () => {
    const before = await previousOwner.open(remote(server.url));
    await before.request(toolCall('one'), new Reply(), NEVER);
    const after = adopt(detach(before));
    await before.close();
    expect(after.profile).toEqual(before.profile);
    expect(textOf(await after.request(toolCall('two'), new Reply(), NEVER))).toBe('done');
    expect([count(hasMethod('initialize')), count(({ verb }) => verb === 'DELETE')]).toEqual([1, 0]);
    const calls = server.visits.filter(isCall);
    expect(calls.map(({ headers }) => headers['mcp-session-id'])).toEqual(['s1', 's1']);
    expect(calls[1]?.headers['mcp-protocol-version']).toBe(before.profile.revision);
    expect(Number(calls[1]?.message['id'])).toBeGreaterThan(Number(calls[0]?.message['id']));
    await after.close();
    expect(count(({ verb }) => verb === 'DELETE')).toBe(1);
  });

  it('serves no further call at the previous owner and cannot be detached twice', async () => {
    const before = await previousOwner.open(remote(server.url));
    detach(before);
    expect([before.closed, before.surrender?.()]).toEqual([true, undefined]);
    expect(await before.request(toolCall('late'), new Reply(), NEVER)).toMatchObject({
      error: { code: -31004, data: { outcome: 'not_executed', retriable: true } },
    });
    await expect(before.listen({ toolsListChanged: true }, () => undefined)).rejects.toMatchObject({ code: -31004 });
    await before.notify({ method: 'notifications/roots/list_changed', params: {} });
    expect([count(isCall), count(isGet), count(hasMethod('notifications/roots/list_changed'))]).toEqual([0, 0, 0]);
    expect(previousOwner.events.ends).toEqual([]);
  });

  it('still completes in-flight calls and their questions at the previous owner', async () => {
    const opened = Promise.withResolvers<EventWriter>();
    onCall = (visit) => {
      const stream = visit.stream();
      opened.resolve(stream);
      const isAnswer = ({ message }: Visit) => message['id'] === 'q';
      void server.visited(isAnswer).then(() => stream.send({ jsonrpc: '2.0', id: visit.message['id'], result: TEXT }));
    };
    const before = await previousOwner.open(remote(server.url), TALKATIVE_CLIENT);
    const outcome = before.request(toolCall('long'), new Reply(async () => ({ result: { roots: [] } })), NEVER);
    const stream = await opened.promise;
    detach(before);
    stream.send({ jsonrpc: '2.0', id: 'q', method: 'roots/list' });
    expect(textOf(await outcome)).toBe('done');
  });

  it('still cancels an in-flight call at the server', async () => {
    onCall = () => undefined;
    const before = await previousOwner.open(remote(server.url));
    const controller = new AbortController();
    const outcome = before.request(toolCall('long'), new Reply(), controller.signal);
    const call = await server.visited(isCall);
    detach(before);
    controller.abort();
    const cancelled = await server.visited(hasMethod('notifications/cancelled'));
    expect(cancelled.message['params']).toMatchObject({ requestId: call.message['id'] });
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
  });

  it('resumes its server stream at the last event once the server has released the previous stream', async () => {
    const before = await previousOwner.open(remote(server.url), TALKATIVE_CLIENT);
    serverStreams[0]?.send(LOGGED, 'e1');
    await previousOwner.events.until(({ notifications }) => notifications.length === 1);
    let rejections = 0;
    server.play((visit) => (rejections++ === 0 ? visit.json({}, 409) : void serverStreams.push(visit.stream())));
    const state = detach(before);
    await serverStreams[0]?.closed;
    adopt(state, TALKATIVE_CLIENT);
    await server.visited((visit) => isGet(visit) && visit === server.visits.filter(isGet)[2]);
    const visits = server.visits.filter(isGet).slice(1);
    expect(visits.map(({ headers }) => headers['last-event-id'])).toEqual(['e1', 'e1']);
    serverStreams[1]?.send(LOGGED);
    await newOwner.events.until(({ notifications }) => notifications.length === 1);
    expect(previousOwner.events.notifications).toHaveLength(1);
  });

  it('notifies the first subscriber of the new owner that everything may have changed', async () => {
    const before = await previousOwner.open(remote(server.url));
    const filter = { toolsListChanged: true, resourceSubscriptions: ['file:///watched'] };
    const subscription = await before.listen(filter, () => undefined);
    const after = adopt(detach(before));
    await subscription.close();
    const changes: string[] = [];
    await after.listen(filter, ({ method }) => void changes.push(method));
    expect(changes).toEqual(['notifications/tools/list_changed', 'notifications/resources/updated']);
    expect(count(hasMethod('resources/unsubscribe'))).toBe(0);
  });

  it('does not report missed changes of lists that the new owner already observes', async () => {
    const after = adopt(detach(await previousOwner.open(remote(server.url))));
    const lists = { toolsListChanged: true };
    const first = await after.listen(lists, () => undefined);
    const changes: string[] = [];
    const watched = { ...lists, resourceSubscriptions: ['file:///watched'] };
    await after.listen(watched, ({ method }) => void changes.push(method));
    await first.close();
    expect(changes).toEqual(['notifications/resources/updated']);
  });

  it('ends at its first call, which is not executed, when the server no longer knows it', async () => {
    const state = detach(await previousOwner.open(remote(server.url)));
    onCall = (visit) => visit.empty(404);
    const events = new Events();
    const after = adopt(state, SILENT_CLIENT, events);
    expect(await after.request(toolCall('one'), new Reply(), NEVER)).toMatchObject({
      error: { code: -31004, data: { outcome: 'not_executed', retriable: true } },
    });
    expect([after.closed, events.ends.length]).toEqual([true, 1]);
  });

  it('needs no session id when the server uses none', async () => {
    server.play((visit) => {
      if (hasMethod('initialize')(visit)) {
        visit.result({ protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 's', version: '1' } });
      } else if (isCall(visit)) visit.result(TEXT);
      else visit.empty(visit.message['method'] === 'server/discover' ? 404 : 202);
    });
    const state = detach(await previousOwner.open(remote(server.url)));
    expect(state.sessionId).toBeUndefined();
    expect(textOf(await adopt(state).request(toolCall('one'), new Reply(), NEVER))).toBe('done');
    expect(server.visits.find(isCall)?.headers).toMatchObject({ 'mcp-protocol-version': '2025-06-18' });
  });
});

describe('a session with the reference server', () => {
  it('is handed over twice with its calls and subscriptions, and is deleted by its last owner', async () => {
    const real = await startReferenceServer({ era: 'legacy', transport: 'http' });
    const third = new Workbench();
    let connection = await previousOwner.open(remote(real.url), TALKATIVE_CLIENT);
    const filter = { toolsListChanged: true };
    for (const bench of [newOwner, third]) {
      await connection.listen(filter, () => undefined);
      const state = detach(connection);
      const next = bench.connector.adopt(remote(real.url), TALKATIVE_CLIENT, state, bench.events);
      if (next === undefined) throw new Error('The session was not adopted');
      connection = next;
      const changes: string[] = [];
      await connection.listen(filter, ({ method }) => void changes.push(method));
      const countBefore = changes.length;
      expect(textOf(await connection.request(toolCall('add', { a: 1, b: 2 }), new Reply(), NEVER))).toContain('3');
      await connection.request(toolCall('change_tools'), new Reply(), NEVER);
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
    const state = detach(await previousOwner.open(remote(server.url)));
    const offer = (to: ServerDefinition) => newOwner.connector.adopt(to, SILENT_CLIENT, state, newOwner.events);
    expect(offer(remote(server.url, { slug: 'other' }))).toBeUndefined();
    expect(offer(remote(server.url, { transport: 'sse' }))).toBeUndefined();
    expect(offer(child('true', []))).toBeUndefined();
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
