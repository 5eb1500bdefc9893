import { afterEach, describe, expect, it } from '@jest/globals';
import { ANONYMOUS, OutcomeError } from '#lib/extension-kit';
import type { ClientProfile } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import {
  callerOf,
  childServer,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
  settled,
  unreachable,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import type { Isolation, RestServer, ServerDefinition } from '../registry/index.js';
import { limits } from './connections-fixture.js';
import { createSession } from '../session-pool/testing.js';
import type { Session } from '../session-pool/index.js';
import type { ConnectionScope } from './sharing.js';
import type { ConnectionsConfig } from './connections.config.js';
import { UpstreamPool } from './upstream-pool.js';

const pools: UpstreamPool[] = [];

function world(servers: readonly ServerDefinition[], settings: Partial<ConnectionsConfig> = {}) {
  const connector = new FakeConnector();
  const registry = new FakeRegistry(servers);
  const pool = new UpstreamPool(connector, limits(settings), registry, new SystemClock());
  pools.push(pool);
  return { connector, registry, pool };
}

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

const restServer = (slug: string): RestServer => ({ ...remoteServer(slug), transport: 'rest', tools: [] });

const CLIENT_WITH_ROOTS: ClientProfile = { ...LEGACY_CLIENT, capabilities: { roots: {} } };
const LIST_CHANGED = { method: 'notifications/tools/list_changed', params: {} };
const LOGGED = { method: 'notifications/message', params: { level: 'info', data: 'about a call' } };

const scopeOf = (subject: string, session?: Session, client = LEGACY_CLIENT): ConnectionScope => ({
  caller: subject === 'anonymous' ? ANONYMOUS : callerOf(subject),
  client,
  session,
});

const sessionScope = (subject: string, endpoint = 'default', client = LEGACY_CLIENT): ConnectionScope => {
  const caller = subject === 'anonymous' ? ANONYMOUS : callerOf(subject);
  return scopeOf(subject, createSession({ caller, endpoint, client }), client);
};

const twoAnonymousSessions = () => [sessionScope('anonymous'), sessionScope('anonymous')] as const;

/** Returns whether two clients use the same connection. */
async function isShared(
  server: ServerDefinition,
  era: 'legacy' | 'modern',
  one: ConnectionScope,
  other: ConnectionScope,
) {
  const { connector, pool } = world([server]);
  connector.eras.set(server.slug, era);
  const held = [await pool.hold(server, one), await pool.hold(server, other)];
  for (const { release } of held) release();
  return connector.opened.length === 1;
}

describe('the sharing of a connection', () => {
  const remote = remoteServer('remote');
  const sharedRemote = remoteServer('remote', { isolation: 'none' });
  const child = childServer('child');
  const sharedChild = childServer('child', { isolation: 'none' });
  const ownChild = childServer('child', { isolation: 'session' });
  const isolated = (isolation: Isolation) => remoteServer('remote', { isolation });
  const twoSessions = () => [sessionScope('a'), sessionScope('a')] as const;
  const same = (scope: ConnectionScope) => [scope, scope] as const;
  const a = scopeOf('a');
  const b = scopeOf('b');
  const anonymous = scopeOf('anonymous');
  const withRoots = (subject: string) => scopeOf(subject, undefined, CLIENT_WITH_ROOTS);
  const inSession = (subject: string) => sessionScope(subject);
  type Case = [string, ServerDefinition, 'legacy' | 'modern', readonly [ConnectionScope, ConnectionScope], boolean];

  const cases: Case[] = [
    ['shares a modern server among all clients', remote, 'modern', [a, inSession('b')], true],
    ['shares a modern server with anonymous clients', remote, 'modern', [anonymous, a], true],
    ['shares a modern child process among the clients of a principal', child, 'modern', [a, withRoots('a')], true],
    ['shares a modern child process among the sessions of a principal', child, 'modern', [inSession('a'), a], true],
    ['shares no modern child process between two principals', child, 'modern', [a, b], false],
    ['shares no modern child process between anonymous clients', child, 'modern', same(anonymous), false],
    ['shares a modern child process without isolation among all', sharedChild, 'modern', [anonymous, a], true],
    ['shares no modern server between two principals that it isolates', isolated('principal'), 'modern', [a, b], false],
    ['shares a modern server among the clients of a principal', isolated('principal'), 'modern', same(a), true],
    [
      'shares no modern server between two sessions that it isolates',
      isolated('session'),
      'modern',
      twoSessions(),
      false,
    ],
    ['shares no modern child process between sessions that it isolates', ownChild, 'modern', twoSessions(), false],
    ['shares no legacy child process between sessions that it isolates', ownChild, 'legacy', twoSessions(), false],
    ['shares a child process within a session that it isolates', ownChild, 'legacy', same(inSession('a')), true],
    ['shares no server with isolated sessions among clients without one', ownChild, 'modern', same(a), false],
    ['shares no legacy server with isolated sessions without one', isolated('session'), 'legacy', same(a), false],
    ['shares a REST server among all clients', restServer('rest'), 'modern', [anonymous, a], true],
    ['shares a legacy server within one session', remote, 'legacy', same(inSession('a')), true],
    ['shares no legacy server between two sessions', remote, 'legacy', [inSession('a'), inSession('a')], false],
    ['shares no legacy server with a client outside the session', remote, 'legacy', [inSession('a'), a], false],
    ['shares a legacy server among one principal without sessions', remote, 'legacy', [a, scopeOf('a')], true],
    ['shares no legacy server between two principals', remote, 'legacy', [a, b], false],
    ['shares no legacy server between different capabilities', remote, 'legacy', [a, withRoots('a')], false],
    ['shares no legacy server between anonymous clients', remote, 'legacy', same(anonymous), false],
    ['shares a legacy child among sessions of a principal', child, 'legacy', [inSession('a'), inSession('a')], true],
    ['shares no legacy child between two principals', child, 'legacy', [inSession('a'), inSession('b')], false],
    ['shares no legacy child between anonymous sessions', child, 'legacy', twoAnonymousSessions(), false],
    ['shares a legacy child within one anonymous session', child, 'legacy', same(inSession('anonymous')), true],
    [
      'shares a child without isolation between equal capabilities',
      sharedChild,
      'legacy',
      [anonymous, inSession('a')],
      true,
    ],
    [
      'shares no child without isolation between different capabilities',
      sharedChild,
      'legacy',
      [a, withRoots('b')],
      false,
    ],
    ['shares a server without isolation outside sessions', sharedRemote, 'legacy', [a, anonymous], true],
    [
      'shares no server without isolation between sessions',
      sharedRemote,
      'legacy',
      [inSession('a'), inSession('a')],
      false,
    ],
  ];

  it.each(cases)('%s', async (_name, server, era, [one, other], expected) => {
    expect(await isShared(server, era, one, other)).toBe(expected);
  });

  it('opens a connection once for any number of waiting uses', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const session = sessionScope('me');
    await Promise.all([1, 2, 3].map(() => pool.use(server, session, async () => undefined)));
    expect(connector.opened).toHaveLength(1);
  });
});

describe('a connection that cannot be opened', () => {
  it('rejects all waiting uses if a connection cannot be opened, and tries again for the next', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    connector.beforeOpening = () => Promise.reject(new OutcomeError(unreachable('a')));
    const uses = [1, 2].map(() => pool.use(server, scopeOf('me'), async () => undefined));
    for (const { reason } of (await Promise.allSettled(uses)) as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({ code: -31004, data: { outcome: 'not_executed' } });
    }
    connector.beforeOpening = async () => undefined;
    await pool.use(server, scopeOf('me'), async () => undefined);
    expect(connector.live).toHaveLength(1);
  });

  it('does not return handshake errors about version or headers as errors of the client', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const error = { code: -32022, message: 'Unsupported protocol version', data: { supported: [] } };
    connector.beforeOpening = () => Promise.reject(new OutcomeError({ kind: 'error', error }));
    const holding = pool.hold(server, scopeOf('me'));
    await expect(holding).rejects.toThrow('does not speak the protocol revision');
    await expect(holding).rejects.not.toMatchObject({ code: -32022 });
  });
});

describe('a connection that closes unexpectedly', () => {
  it('replaces a closed connection at the next use and detaches its sessions', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const session = sessionScope('me');
    for (let lives = 1; lives <= 3; lives += 1) {
      await pool.use(server, session, async () => undefined);
      expect(connector.opened).toHaveLength(lives);
      connector.opened.at(-1)?.breakOff();
    }
    await pool.use(server, session, async () => undefined);
    await session.session?.notifyServers(LIST_CHANGED);
    expect(connector.opened.map(({ sentNotifications }) => sentNotifications.length)).toEqual([0, 0, 0, 1]);
  });

  it('continues a session whose only connection closed, over a new one', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const [transparent, wide] = [sessionScope('me', 'a'), sessionScope('me', 'default')];
    for (const one of [transparent, wide]) await pool.use(server, one, async () => undefined);
    for (const connection of connector.opened) connection.breakOff();
    expect([transparent.session?.isEnded, wide.session?.isEnded]).toEqual([false, false]);
    await pool.use(server, transparent, async () => undefined);
    expect(connector.opened.map(({ closed }) => closed)).toEqual([true, true, false]);
  });

  it('notifies each holder of a closed connection once, and no former holder', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    connector.eras.set('a', 'modern');
    const held = [await pool.hold(server, scopeOf('a')), await pool.hold(server, scopeOf('b'))];
    const notified: string[] = [];
    held.forEach((one, index) => one.onClosed(() => notified.push(`holder ${index}`)));
    held[1]?.release();
    connector.opened[0]?.breakOff();
    connector.opened[0]?.breakOff();
    held[0]?.onClosed(() => notified.push('late'));
    expect(notified).toEqual(['holder 0', 'late']);
  });
});

describe('a server that leaves the modern era', () => {
  it('shares no connection of a server that left the modern era (invariant 4)', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    connector.eras.set('a', 'modern');
    await pool.detectEra(server, scopeOf('a'));
    connector.eras.set('a', 'legacy');
    const scopes = ['a', 'b', 'c'].map((subject) => scopeOf(subject));
    const held = await Promise.all(scopes.map((one) => pool.hold(server, one)));
    expect(new Set(held.map(({ connection }) => connection)).size).toBe(3);
    expect(pool.eraOf(server)).toBe('legacy');
    for (const { release } of held) release();
    expect(connector.live).toHaveLength(3);
  });
});

describe('a notification outside any call', () => {
  it('sends the notification to the session that owns the connection', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const one = sessionScope('me');
    const sink = new RecordingSink();
    one.session?.openServerStream(sink);
    await pool.use(server, one, async () => undefined);
    connector.opened[0]?.emitNotification(LOGGED);
    expect(sink.summary).toEqual(['opened', LOGGED.method]);
  });

  it('sends the notification of a child process to every session of its principal', async () => {
    const server = childServer('a');
    const { connector, pool } = world([server]);
    const sinks = [new RecordingSink(), new RecordingSink()];
    for (const sink of sinks) {
      const one = sessionScope('me');
      one.session?.openServerStream(sink);
      await pool.use(server, one, async () => undefined);
    }
    connector.opened[0]?.emitNotification(LOGGED);
    expect(sinks.map(({ summary }) => summary)).toEqual([
      ['opened', LOGGED.method],
      ['opened', LOGGED.method],
    ]);
  });

  it.each([
    ['modern', remoteServer('a')],
    ['legacy', childServer('a', { isolation: 'none' })],
  ] as const)(
    'drops the notification of a %s connection that serves several principals (invariant 2)',
    async (era, server) => {
      const { connector, pool } = world([server]);
      connector.eras.set('a', era);
      const sink = new RecordingSink();
      for (const subject of ['me', 'another']) {
        const one = sessionScope(subject);
        one.session?.openServerStream(sink);
        await pool.use(server, one, async () => undefined);
      }
      expect(connector.opened).toHaveLength(1);
      connector.opened[0]?.emitNotification(LOGGED);
      expect(sink.summary).not.toContain(LOGGED.method);
    },
  );
});

describe('a session that ends', () => {
  it('closes the connections of an ended session after their last call', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const session = sessionScope('me');
    const held = await pool.hold(server, session);
    session.session?.end();
    expect(connector.live).toHaveLength(1);
    held.release();
    held.release();
    expect(connector.opened[0]?.closedByUs).toBe(true);
  });

  it('keeps a child process for the other sessions of its principal', async () => {
    const server = childServer('a');
    const { connector, pool } = world([server]);
    const [one, other] = [sessionScope('me'), sessionScope('me')];
    for (const each of [one, other]) await pool.use(server, each, async () => undefined);
    one.session?.end();
    await pool.use(server, other, async () => undefined);
    expect([connector.opened.length, connector.live.length]).toEqual([1, 1]);
  });

  it('closes a connection that is still being opened for an ended session', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const session = sessionScope('me');
    const holding = pool.hold(server, session);
    session.session?.end();
    (await holding).release();
    expect(connector.live).toEqual([]);
  });
});

describe('an idle connection', () => {
  it('closes idle connections, except those of a live session', async () => {
    const [server, child] = [remoteServer('a'), childServer('b')];
    const { connector, pool } = world([server, child], { upstreamIdleMs: 1_000 });
    await pool.use(server, scopeOf('me'), async () => undefined);
    const session = sessionScope('me');
    await pool.use(child, session, async () => undefined);
    const held = await pool.hold(server, scopeOf('you'));
    pool.evictIdle(Date.now() + 500);
    expect(connector.live).toHaveLength(3);
    pool.evictIdle(Date.now() + 2_000);
    expect(connector.opened.map(({ closed }) => closed)).toEqual([true, false, false]);
    held.release();
    session.session?.end();
    pool.evictIdle(Date.now() + 2_000);
    expect(connector.live).toEqual([]);
  });
});

describe('child processes', () => {
  it('limits the child processes of each server and evicts an idle one', async () => {
    const [server, other] = [childServer('a'), childServer('b')];
    const { connector, pool } = world([server, other], { maxChildProcesses: 2 });
    const held = [await pool.hold(server, scopeOf('a')), await pool.hold(server, scopeOf('b'))];
    await expect(pool.hold(server, scopeOf('c'))).rejects.toMatchObject({ code: -31003, httpStatus: 503 });
    (await pool.hold(other, scopeOf('c'))).release();
    held[0]?.release();
    held.push(await pool.hold(server, scopeOf('c')));
    expect(connector.opened.filter(({ closed }) => closed).map(({ server: { slug } }) => slug)).toEqual(['a']);
    held[1]?.release();
    connector.live[0]?.breakOff();
    (await pool.hold(server, scopeOf('d'))).release();
  });

  it('frees the slot of a child process that failed to start', async () => {
    const server = childServer('a');
    const { connector, pool } = world([server], { maxChildProcesses: 1 });
    connector.beforeOpening = () => Promise.reject(new OutcomeError(unreachable('a')));
    for (const subject of ['a', 'b', 'c']) {
      await expect(pool.hold(server, scopeOf(subject))).rejects.toMatchObject({ code: -31004 });
    }
    connector.beforeOpening = async () => undefined;
    (await pool.hold(server, scopeOf('d'))).release();
    expect(connector.live).toHaveLength(1);
  });
});

describe('the shutdown of the worker', () => {
  it('closes unused connections at once and shuts down the connector', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    await pool.use(server, scopeOf('me'), async () => undefined);
    await pool.close();
    expect([connector.live.length, connector.isShutDown]).toEqual([0, true]);
    await settled();
  });

  it('closes upstream sessions at their servers before it shuts down the connector', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    await pool.use(server, scopeOf('me'), async () => undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    const [connection] = connector.opened;
    if (connection) connection.close = () => promise;
    const ended = pool.close();
    await settled();
    expect(connector.isShutDown).toBe(false);
    resolve();
    await ended;
    expect(connector.isShutDown).toBe(true);
  });
});
