import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startReferenceServer } from '#lib/testing/reference-server';
import { until } from '../../../test/support/until.js';
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
const saying = (method: string) => (visit: Visit) => visit.message['method'] === method;
const LOGGED = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'hello' } };

let server: ScriptedServer;
/** Two workers. */
let owner: Workbench;
let heir: Workbench;
let ears: EventWriter[];
let onCall: (visit: Visit) => void;

const count = (fits: (visit: Visit) => boolean): number => server.visits.filter(fits).length;

/** As it travels from worker to worker. */
function surrendered(connection: UpstreamConnection): UpstreamSessionState {
  const state = readUpstreamSession(JSON.parse(JSON.stringify(connection.surrender?.())));
  if (state === undefined) throw new Error('Nothing was surrendered');
  return state;
}

function adopted(state: UpstreamSessionState, client = SILENT_CLIENT, events = heir.events): UpstreamConnection {
  const connection = heir.connector.adopt(remote(server.url), client, state, events);
  if (connection === undefined) throw new Error('The session was not adopted');
  return connection;
}

beforeEach(async () => {
  [owner, heir] = [new Workbench(), new Workbench()];
  ears = [];
  onCall = (visit) => visit.result(TEXT);
  server = await startScriptedServer((visit) => {
    if (isGet(visit)) ears.push(visit.stream());
    else if (isCall(visit)) onCall(visit);
    else if (!greetLegacy(visit, { tools: { listChanged: true }, resources: { subscribe: true } })) visit.result({});
  });
});

afterEach(async () => {
  await Promise.all([owner.close(), heir.close()]);
  await server.close();
});

describe('a session that is surrendered', () => {
  it('goes on at another worker: no new handshake, no end, and no id twice', async () => {
    const before = await owner.open(remote(server.url));
    await before.request(toolCall('one'), new Reply(), NEVER);
    const after = adopted(surrendered(before));
    await before.close();
    expect(after.profile).toEqual(before.profile);
    expect(textOf(await after.request(toolCall('two'), new Reply(), NEVER))).toBe('done');
    expect([count(saying('initialize')), count(({ verb }) => verb === 'DELETE')]).toEqual([1, 0]);
    const calls = server.visits.filter(isCall);
    expect(calls.map(({ headers }) => headers['mcp-session-id'])).toEqual(['s1', 's1']);
    expect(calls[1]?.headers['mcp-protocol-version']).toBe(before.profile.revision);
    expect(Number(calls[1]?.message['id'])).toBeGreaterThan(Number(calls[0]?.message['id']));
    await after.close();
    expect(count(({ verb }) => verb === 'DELETE')).toBe(1);
  });

  it('serves no further call where it was, and only once can it be given away', async () => {
    const before = await owner.open(remote(server.url));
    surrendered(before);
    expect([before.closed, before.surrender?.()]).toEqual([true, undefined]);
    expect(await before.request(toolCall('late'), new Reply(), NEVER)).toMatchObject({
      error: { code: -31004, data: { outcome: 'not_executed', retriable: true } },
    });
    await expect(before.listen({ toolsListChanged: true }, () => undefined)).rejects.toMatchObject({ code: -31004 });
    await before.notify({ method: 'notifications/roots/list_changed', params: {} });
    expect([count(isCall), count(isGet), count(saying('notifications/roots/list_changed'))]).toEqual([0, 0, 0]);
    expect(owner.events.ends).toEqual([]);
  });

  it('still answers the calls under way, and their questions', async () => {
    const asked = Promise.withResolvers<EventWriter>();
    onCall = (visit) => {
      const stream = visit.stream();
      asked.resolve(stream);
      const isAnswer = ({ message }: Visit) => message['id'] === 'q';
      void server.visited(isAnswer).then(() => stream.send({ jsonrpc: '2.0', id: visit.message['id'], result: TEXT }));
    };
    const before = await owner.open(remote(server.url), TALKATIVE_CLIENT);
    const outcome = before.request(toolCall('long'), new Reply(async () => ({ result: { roots: [] } })), NEVER);
    const stream = await asked.promise;
    surrendered(before);
    stream.send({ jsonrpc: '2.0', id: 'q', method: 'roots/list' });
    expect(textOf(await outcome)).toBe('done');
  });

  it('can be cancelled at the server until the last call is over', async () => {
    onCall = () => undefined;
    const before = await owner.open(remote(server.url));
    const leave = new AbortController();
    const outcome = before.request(toolCall('long'), new Reply(), leave.signal);
    const call = await server.visited(isCall);
    surrendered(before);
    leave.abort();
    const cancelled = await server.visited(saying('notifications/cancelled'));
    expect(cancelled.message['params']).toMatchObject({ requestId: call.message['id'] });
    expect(await outcome).toMatchObject({ error: { code: -31002 } });
  });

  it('is heard where it was left off, once the server has let the old stream go', async () => {
    const before = await owner.open(remote(server.url), TALKATIVE_CLIENT);
    ears[0]?.send(LOGGED, 'e1');
    await owner.events.until(({ notifications }) => notifications.length === 1);
    let refusals = 0;
    server.play((visit) => (refusals++ === 0 ? visit.json({}, 409) : void ears.push(visit.stream())));
    const state = surrendered(before);
    await ears[0]?.closed;
    adopted(state, TALKATIVE_CLIENT);
    await server.visited((visit) => isGet(visit) && visit === server.visits.filter(isGet)[2]);
    const visits = server.visits.filter(isGet).slice(1);
    expect(visits.map(({ headers }) => headers['last-event-id'])).toEqual(['e1', 'e1']);
    ears[1]?.send(LOGGED);
    await heir.events.until(({ notifications }) => notifications.length === 1);
    expect(owner.events.notifications).toHaveLength(1);
  });

  it('has whoever listens anew look at everything: nobody heard what changed meanwhile', async () => {
    const before = await owner.open(remote(server.url));
    const filter = { toolsListChanged: true, resourceSubscriptions: ['file:///watched'] };
    const listening = await before.listen(filter, () => undefined);
    const after = adopted(surrendered(before));
    await listening.close();
    const changes: string[] = [];
    await after.listen(filter, ({ method }) => void changes.push(method));
    expect(changes).toEqual(['notifications/tools/list_changed', 'notifications/resources/updated']);
    expect(count(saying('resources/unsubscribe'))).toBe(0);
  });

  it('has nobody look again at what is listened to there already', async () => {
    const after = adopted(surrendered(await owner.open(remote(server.url))));
    const lists = { toolsListChanged: true };
    const first = await after.listen(lists, () => undefined);
    const changes: string[] = [];
    const watched = { ...lists, resourceSubscriptions: ['file:///watched'] };
    await after.listen(watched, ({ method }) => void changes.push(method));
    await first.close();
    expect(changes).toEqual(['notifications/resources/updated']);
  });

  it('that the server has forgotten is lost at the first call, which did not run', async () => {
    const state = surrendered(await owner.open(remote(server.url)));
    onCall = (visit) => visit.empty(404);
    const events = new Events();
    const after = adopted(state, SILENT_CLIENT, events);
    expect(await after.request(toolCall('one'), new Reply(), NEVER)).toMatchObject({
      error: { code: -31004, data: { outcome: 'not_executed', retriable: true } },
    });
    expect([after.closed, events.ends.length]).toEqual([true, 1]);
  });

  it('needs no session id where the server keeps no sessions', async () => {
    server.play((visit) => {
      if (saying('initialize')(visit)) {
        visit.result({ protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 's', version: '1' } });
      } else if (isCall(visit)) visit.result(TEXT);
      else visit.empty(visit.message['method'] === 'server/discover' ? 404 : 202);
    });
    const state = surrendered(await owner.open(remote(server.url)));
    expect(state.sessionId).toBeUndefined();
    expect(textOf(await adopted(state).request(toolCall('one'), new Reply(), NEVER))).toBe('done');
    expect(server.visits.find(isCall)?.headers).toMatchObject({ 'mcp-protocol-version': '2025-06-18' });
  });
});

describe('a session with a real server', () => {
  it('goes from hand to hand with its calls and its changes, and ends in the last one', async () => {
    const real = await startReferenceServer({ era: 'legacy', transport: 'http' });
    const third = new Workbench();
    let connection = await owner.open(remote(real.url), TALKATIVE_CLIENT);
    const filter = { toolsListChanged: true };
    for (const bench of [heir, third]) {
      await connection.listen(filter, () => undefined);
      const state = surrendered(connection);
      const next = bench.connector.adopt(remote(real.url), TALKATIVE_CLIENT, state, bench.events);
      if (next === undefined) throw new Error('The session was not adopted');
      connection = next;
      const changes: string[] = [];
      await connection.listen(filter, ({ method }) => void changes.push(method));
      const heard = changes.length;
      expect(textOf(await connection.request(toolCall('add', { a: 1, b: 2 }), new Reply(), NEVER))).toContain('3');
      await connection.request(toolCall('change_tools'), new Reply(), NEVER);
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
    const state = surrendered(await owner.open(remote(server.url)));
    const { adopt } = heir.connector;
    const offer = (to: Parameters<typeof adopt>[0]) => heir.connector.adopt(to, SILENT_CLIENT, state, heir.events);
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
  ])('is one whose description cannot be read: %j', (value) => {
    expect(readUpstreamSession(value)).toBeUndefined();
  });
});
