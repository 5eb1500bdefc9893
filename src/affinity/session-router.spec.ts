import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { endpointsOf } from '../../test/support/endpoints.js';
import { Logger } from '@nestjs/common';
import { ANONYMOUS } from '#lib/extension-kit';
import { result, type Outcome } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { SessionPool, SessionPoolConfig } from '../session-pool/index.js';
import { ServerSubscriptions, DeferredListViews, SessionSubscriptions } from '../subscriptions/index.js';
import { UnreachableBus } from '../../test/support/unreachable-bus.js';
import { WorkerId } from '../workers/index.js';
import { SingleWorkerRegistry } from '../workers/testing.js';
import { EmptyHandoffDirectory } from './empty-handoff-directory.js';
import { PendingHandoffs } from './pending-handoffs.js';
import { SessionIds } from './session-ids.js';
import { RemoteSessions } from './remote-sessions.js';
import { UpstreamCalls, ParkedCalls, CallsConfig } from '../calls/index.js';
import { ServerHealth, UpstreamPool, ConnectionsConfig } from '../connections/index.js';
import { SessionRouter } from './session-router.js';

const server = remoteServer('a');
const TOOLS = { method: 'notifications/tools/list_changed', params: {} };
const MINE = { caller: callerOf('me'), endpoint: 'a', transport: 'http' } as const;
let clock: ManualClock;
const worlds: { close(): Promise<void> }[] = [];

function world(settings: Partial<SessionPoolConfig> = {}) {
  const connector = new FakeConnector();
  const registry = new FakeRegistry([server]);
  const config = Object.assign(new SessionPoolConfig(), new ConnectionsConfig(), new CallsConfig(), settings);
  const upstreams = new UpstreamPool(connector, config, registry, clock);
  const sessions = new SessionPool(config, clock);
  const calls = new UpstreamCalls(
    upstreams,
    config,
    new ParkedCalls(config, config, clock),
    new ServerHealth(registry, clock),
    clock,
  );
  const sessionSubscriptions = new SessionSubscriptions(
    new ServerSubscriptions(upstreams, registry, clock),
    endpointsOf(registry),
    new DeferredListViews(),
    clock,
  );
  const me = new WorkerId();
  const [workers, pendingHandoffs] = [new SingleWorkerRegistry(me), new PendingHandoffs()];
  const ids = new SessionIds(randomBytes(32), me);
  const remote = new RemoteSessions(me, workers, new EmptyHandoffDirectory(), new UnreachableBus(), clock);
  const router = new SessionRouter(
    ids,
    sessions,
    remote,
    pendingHandoffs,
    workers,
    calls,
    sessionSubscriptions,
    upstreams,
    registry,
  );
  const open = (more: Partial<Parameters<SessionRouter['open']>[0]> = {}) =>
    router.open({
      caller: callerOf('me'),
      endpoint: 'a',
      client: LEGACY_CLIENT,
      transport: 'http',
      ...more,
    });
  worlds.push({
    close: async () => {
      sessions.onApplicationShutdown();
      await upstreams.close();
    },
  });
  return { connector, sessions, router, open };
}

const callOf = (requestId: number | string) => ({
  server,
  request: { method: 'tools/call', params: { name: 'x' } },
  caller: callerOf('me'),
  client: LEGACY_CLIENT,
  requestId,
  clientRepeatsCall: false,
});

beforeEach(() => {
  clock = new ManualClock();
  Logger.overrideLogger(false);
});

afterEach(async () => {
  for (const opened of worlds.splice(0)) await opened.close();
});

describe('SessionRouter', () => {
  it('locates a session for its principal at its endpoint', async () => {
    const { router, open } = world();
    const { id } = open();
    expect((await router.locate(id, MINE)).id).toBe(id);
  });

  it('reports a session as unknown to any other principal, endpoint or transport, and after its end', async () => {
    const { router, open } = world();
    const session = open();
    const unknown = expect.objectContaining({ httpStatus: 404, message: 'Session not found. Initialize a new one.' });
    const tries: [string, Parameters<SessionRouter['locate']>][] = [
      ['forged', ['x', MINE]],
      ['foreign', [session.id, { ...MINE, caller: callerOf('you') }]],
      ['anonymous', [session.id, { ...MINE, caller: ANONYMOUS }]],
      ['elsewhere', [session.id, { ...MINE, endpoint: 'default' }]],
      ['over the other transport', [session.id, { ...MINE, transport: 'sse' }]],
      ['with a token for some servers', [session.id, { ...MINE, caller: { ...MINE.caller, servers: ['a'] } }]],
    ];
    for (const [, place] of tries) expect(() => router.locate(...place)).toThrow(unknown);
    await session.end();
    expect(() => router.locate(session.id, MINE)).toThrow(unknown);
  });

  it('reports a session of a token for some servers as unknown to a token for all servers', () => {
    const { router, open } = world();
    const narrow = { ...MINE, caller: { ...MINE.caller, servers: ['a', 'b'] } };
    const { id } = open({ caller: narrow.caller });
    expect(() => router.locate(id, MINE)).toThrow('Session not found');
    expect(() => router.findLocal(id, MINE.caller, 'a')).toThrow('Session not found');
    expect(router.locate(id, { ...MINE, caller: { ...MINE.caller, servers: ['b', 'a'] } })).toMatchObject({ id });
  });

  it('continues a session with the caller of the latest request', () => {
    const { sessions, router, open } = world();
    const { id } = open();
    const withRole = { ...MINE.caller, roles: ['user'] };
    void router.locate(id, { ...MINE, caller: withRole });
    expect(sessions.find(id)?.caller).toBe(withRole);
    void router.findLocal(id, MINE.caller, 'a');
    expect(sessions.find(id)?.caller.roles).toEqual([]);
  });

  it('forwards a client’s notification to the servers of its session', async () => {
    const { connector, open } = world();
    const session = open({ endpoint: 'default' });
    const roots = { method: 'notifications/roots/list_changed', params: {} };
    await session.notify(roots);
    await session.call(callOf(1), new RecordingSink());
    await session.notify(roots);
    expect(connector.opened[0]?.sentNotifications).toEqual([roots]);
    connector.opened[0]?.breakOff();
    await session.notify(roots);
  });

  it('opens the connection at the endpoint of one server for a client’s notification, unless the session has ended', async () => {
    const { connector, open } = world();
    const session = open();
    const roots = { method: 'notifications/roots/list_changed', params: {} };
    await session.notify(roots);
    expect(connector.opened[0]?.sentNotifications).toEqual([roots]);
    await session.end();
    await session.notify(roots);
    expect(connector.opened).toHaveLength(1);
  });

  it('subscribes to list changes once an SSE client has a stream and is initialized', async () => {
    const { connector, open } = world();
    const session = open({ endpoint: 'default', transport: 'sse' });
    const sink = new RecordingSink();
    await session.openStream(sink);
    await clock.advance(0);
    expect(connector.opened).toEqual([]);
    session.setClient({ ...LEGACY_CLIENT, capabilities: { roots: {} } });
    session.markInitialized();
    await clock.advance(0);
    expect(connector.opened.map(({ client }) => client.capabilities)).toEqual([{ roots: {} }]);
    connector.opened[0]?.emitChange(TOOLS);
    await clock.advance(1_000);
    expect(sink.summary).toContain(TOOLS.method);
  });

  it('counts a session as used until the connection of its client closes', async () => {
    const { sessions, open } = world({ sessionIdleMs: 1_000 });
    const session = open();
    const stream = await session.openStream(new RecordingSink());
    expect(stream.isServerStream).toBe(true);
    await clock.advance(60_000);
    stream.detach();
    sessions.evictIdle(clock.now());
    expect(sessions.size).toBe(1);
    sessions.evictIdle(clock.now() + 2_000);
    expect(sessions.size).toBe(0);
  });
});

describe('answers on the server stream of a session', () => {
  const oneStream = { transport: 'sse' } as const;

  it('are sent as soon as they are ready', async () => {
    const { open } = world();
    const session = open(oneStream);
    const sink = new RecordingSink();
    await session.openStream(sink);
    const slow = Promise.withResolvers<Outcome>();
    const first = session.answerOnStream(1, 'tools/call', () => slow.promise);
    await session.answerOnStream(2, 'ping', async () => result({}));
    slow.resolve(result({}));
    await first;
    expect(sink.summary).toEqual(['opened', 'answer 2', 'answer 1']);
  });

  it('are limited in number before anything runs', async () => {
    const { open } = world({ maxCallsPerSession: 1 });
    const session = open(oneStream);
    const slow = Promise.withResolvers<Outcome>();
    const first = session.answerOnStream(1, 'tools/call', () => slow.promise);
    let ran = false;
    const second = () => session.answerOnStream(2, 'tools/call', async () => ((ran = true), result({})));
    expect(second).toThrow(expect.objectContaining({ code: -31003, httpStatus: 429 }));
    expect(ran).toBe(false);
    slow.resolve(result({}));
    await first;
    await second();
  });

  it('that are outstanding keep the stream open until they are sent when the session ends', async () => {
    const { open } = world();
    const session = open(oneStream);
    const sink = new RecordingSink();
    await session.openStream(sink);
    const slow = Promise.withResolvers<Outcome>();
    const answering = session.answerOnStream(1, 'tools/call', () => slow.promise);
    let isAnswered = false;
    const waiting = session.whenAnswered().then(() => (isAnswered = true));
    await session.end();
    expect([sink.ended, isAnswered]).toEqual([false, false]);
    slow.resolve(result({}));
    await Promise.all([answering, waiting]);
    expect([sink.summary.at(-1), sink.ended]).toEqual(['answer 1', true]);
    await session.whenAnswered();
    expect(() => session.answerOnStream(2, 'ping', async () => result({}))).toThrow('The session has ended');
  });

  it('that fail with an exception are no longer outstanding', async () => {
    const { open } = world();
    const session = open(oneStream);
    await expect(session.answerOnStream(1, 'ping', () => Promise.reject(new TypeError('a defect')))).rejects.toThrow();
    await session.whenAnswered();
  });
});
