import { afterEach, describe, expect, it } from '@jest/globals';
import { ANONYMOUS, OutcomeError } from '#lib/extension-kit';
import type { ClientProfile } from '#lib/mcp-protocol';
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
import type { ServerDefinition } from '../registry/index.js';
import { limits } from './connections-fixture.js';
import { createSession } from '../session-pool/testing.js';
import type { Session } from '../session-pool/index.js';
import type { ConnectionScope } from './sharing.js';
import type { ConnectionsConfig } from './connections.config.js';
import { UpstreamPool } from './upstream-pool.js';

const open: UpstreamPool[] = [];

function world(servers: readonly ServerDefinition[], settings: Partial<ConnectionsConfig> = {}) {
  const connector = new FakeConnector();
  const registry = new FakeRegistry(servers);
  const pool = new UpstreamPool(connector, limits(settings), registry);
  open.push(pool);
  return { connector, registry, pool };
}

afterEach(async () => {
  for (const pool of open.splice(0)) await pool.close();
});

const ASKS: ClientProfile = { ...LEGACY_CLIENT, capabilities: { roots: {} } };
const LIST_CHANGED = { method: 'notifications/tools/list_changed', params: {} };
const LOGGED = { method: 'notifications/message', params: { level: 'info', data: 'about a call' } };

const face = (subject: string, session?: Session, client = LEGACY_CLIENT): ConnectionScope => ({
  caller: subject === 'anonymous' ? ANONYMOUS : callerOf(subject),
  client,
  session,
});

const ofSession = (subject: string, endpoint = 'default', client = LEGACY_CLIENT): ConnectionScope => {
  const caller = subject === 'anonymous' ? ANONYMOUS : callerOf(subject);
  return face(subject, createSession({ caller, endpoint, client }), client);
};

/** Whether two clients are served by the same connection, one after the other. */
async function share(server: ServerDefinition, era: 'legacy' | 'modern', one: ConnectionScope, other: ConnectionScope) {
  const { connector, pool } = world([server]);
  connector.eras.set(server.slug, era);
  const held = [await pool.hold(server, one), await pool.hold(server, other)];
  for (const { release } of held) release();
  return connector.opened.length === 1;
}

describe('who shares a connection', () => {
  const remote = remoteServer('remote');
  const sharedRemote = remoteServer('remote', { shared: true });
  const child = childServer('child');
  const sharedChild = childServer('child', { shared: true });
  const same = (make: () => ConnectionScope) => {
    const known = make();
    return [known, known] as const;
  };

  const cases: [string, ServerDefinition, 'legacy' | 'modern', readonly [ConnectionScope, ConnectionScope], boolean][] =
    [
      ['a modern server: everybody', remote, 'modern', [face('a'), ofSession('b')], true],
      ['a modern server: anonymous clients too', remote, 'modern', [face('anonymous'), face('a')], true],
      ['a modern child process: everybody', child, 'modern', [face('a'), face('b', undefined, ASKS)], true],
      ['a legacy server: one session', remote, 'legacy', same(() => ofSession('a')), true],
      ['a legacy server: no two sessions', remote, 'legacy', [ofSession('a'), ofSession('a')], false],
      ['a legacy server: no session and a client without one', remote, 'legacy', [ofSession('a'), face('a')], false],
      ['a legacy server: clients of one principal without sessions', remote, 'legacy', [face('a'), face('a')], true],
      ['a legacy server: no two principals', remote, 'legacy', [face('a'), face('b')], false],
      [
        'a legacy server: none that declare different things',
        remote,
        'legacy',
        [face('a'), face('a', undefined, ASKS)],
        false,
      ],
      ['a legacy server: no two anonymous clients', remote, 'legacy', [face('anonymous'), face('anonymous')], false],
      ['a legacy child: sessions of one principal', child, 'legacy', [ofSession('a'), ofSession('a')], true],
      ['a legacy child: no two principals', child, 'legacy', [ofSession('a'), ofSession('b')], false],
      [
        'a legacy child: no two anonymous sessions',
        child,
        'legacy',
        [ofSession('anonymous'), ofSession('anonymous')],
        false,
      ],
      ['a legacy child: one anonymous session', child, 'legacy', same(() => ofSession('anonymous')), true],
      [
        'a shared child: everybody who declares the same',
        sharedChild,
        'legacy',
        [face('anonymous'), ofSession('a')],
        true,
      ],
      [
        'a shared child: none that declare different things',
        sharedChild,
        'legacy',
        [face('a'), face('b', undefined, ASKS)],
        false,
      ],
      ['a shared server: clients without sessions', sharedRemote, 'legacy', [face('a'), face('anonymous')], true],
      ['a shared server: still no two sessions', sharedRemote, 'legacy', [ofSession('a'), ofSession('a')], false],
    ];

  it.each(cases)('%s', async (_name, server, era, [one, other], expected) => {
    expect(await share(server, era, one, other)).toBe(expected);
  });

  it('asks for a connection once, however many wait for it', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const session = ofSession('me');
    await Promise.all([1, 2, 3].map(() => pool.use(server, session, async () => undefined)));
    expect(connector.opened).toHaveLength(1);
  });
});

describe('a connection on which nobody can tell whose a question is', () => {
  const visit = async ({ pool }: ReturnType<typeof world>, server: ServerDefinition, subject: string) => {
    const { release } = await pool.hold(server, face(subject));
    release();
  };

  it('serves nobody else where all share it, and those that it serves to the end', async () => {
    const server = childServer('child', { shared: true });
    const made = world([server]);
    const held = await made.pool.hold(server, face('a'));
    made.connector.opened[0]?.doubt();
    await visit(made, server, 'b');
    expect(made.connector.opened.map(({ closed }) => closed)).toEqual([false, false]);
    held.release();
    expect(made.connector.opened.map(({ closed }) => closed)).toEqual([true, false]);
  });

  it('stays where it is one principal’s, with what the server keeps for it', async () => {
    const server = childServer('child');
    const made = world([server]);
    await visit(made, server, 'a');
    made.connector.opened[0]?.doubt();
    await visit(made, server, 'a');
    expect(made.connector.opened.map(({ closed }) => closed)).toEqual([false]);
  });
});

describe('a connection that cannot be opened', () => {
  it('fails those who wait for it, and is tried again by the next', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    connector.beforeOpening = () => Promise.reject(new OutcomeError(unreachable('a')));
    const uses = [1, 2].map(() => pool.use(server, face('me'), async () => undefined));
    for (const { reason } of (await Promise.allSettled(uses)) as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({ code: -31004, data: { outcome: 'not_executed' } });
    }
    connector.beforeOpening = async () => undefined;
    await pool.use(server, face('me'), async () => undefined);
    expect(connector.live).toHaveLength(1);
  });

  it('is no fault of the client: codes about its version or headers are the handshake’s own', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const error = { code: -32022, message: 'Unsupported protocol version', data: { supported: [] } };
    connector.beforeOpening = () => Promise.reject(new OutcomeError({ kind: 'error', error }));
    const holding = pool.hold(server, face('me'));
    await expect(holding).rejects.toThrow('does not speak the protocol revision');
    await expect(holding).rejects.not.toMatchObject({ code: -32022 });
  });
});

describe('a connection that ends by itself', () => {
  it('is replaced at the next use, and holds on to no session', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const session = ofSession('me');
    for (let lives = 1; lives <= 3; lives += 1) {
      await pool.use(server, session, async () => undefined);
      expect(connector.opened).toHaveLength(lives);
      connector.opened.at(-1)?.die();
    }
    await pool.use(server, session, async () => undefined);
    await session.session?.notifyServers(LIST_CHANGED);
    expect(connector.opened.map(({ told }) => told.length)).toEqual([0, 0, 0, 1]);
  });

  it('ends the session that had nothing else', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const [transparent, wide] = [ofSession('me', 'a'), ofSession('me', 'default')];
    for (const one of [transparent, wide]) await pool.use(server, one, async () => undefined);
    for (const connection of connector.opened) connection.die();
    expect([transparent.session?.isEnded, wide.session?.isEnded]).toEqual([true, false]);
  });

  it('tells whoever holds it, once, and nobody who let go of it', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    connector.eras.set('a', 'modern');
    const held = [await pool.hold(server, face('a')), await pool.hold(server, face('b'))];
    const told: string[] = [];
    held.forEach((one, index) => one.onClosed(() => told.push(`holder ${index}`)));
    held[1]?.release();
    connector.opened[0]?.die();
    connector.opened[0]?.die();
    held[0]?.onClosed(() => told.push('late'));
    expect(told).toEqual(['holder 0', 'late']);
  });
});

describe('a server that leaves the modern era', () => {
  it('is spoken to as a legacy server at once: nobody shares what was opened for another', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    connector.eras.set('a', 'modern');
    await pool.detectEra(server);
    connector.eras.set('a', 'legacy');
    const faces = ['a', 'b', 'c'].map((subject) => face(subject));
    const held = await Promise.all(faces.map((one) => pool.hold(server, one)));
    expect(new Set(held.map(({ connection }) => connection)).size).toBe(3);
    expect(pool.eraOf(server)).toBe('legacy');
    for (const { release } of held) release();
    expect(connector.live).toHaveLength(3);
  });
});

describe('what a server says by itself', () => {
  it('reaches the session whose connection it is', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const one = ofSession('me');
    const sink = new RecordingSink();
    one.session?.openStandingStream(sink);
    await pool.use(server, one, async () => undefined);
    connector.opened[0]?.say(LOGGED);
    expect(sink.summary).toEqual(['opened', LOGGED.method]);
  });

  it('reaches every session of the principal whose child process it is', async () => {
    const server = childServer('a');
    const { connector, pool } = world([server]);
    const sinks = [new RecordingSink(), new RecordingSink()];
    for (const sink of sinks) {
      const one = ofSession('me');
      one.session?.openStandingStream(sink);
      await pool.use(server, one, async () => undefined);
    }
    connector.opened[0]?.say(LOGGED);
    expect(sinks.map(({ summary }) => summary)).toEqual([
      ['opened', LOGGED.method],
      ['opened', LOGGED.method],
    ]);
  });

  it.each([
    ['modern', remoteServer('a')],
    ['legacy', childServer('a', { shared: true })],
  ] as const)('reaches nobody where a %s connection serves several principals', async (era, server) => {
    const { connector, pool } = world([server]);
    connector.eras.set('a', era);
    const sink = new RecordingSink();
    for (const subject of ['me', 'another']) {
      const one = ofSession(subject);
      one.session?.openStandingStream(sink);
      await pool.use(server, one, async () => undefined);
    }
    expect(connector.opened).toHaveLength(1);
    connector.opened[0]?.say(LOGGED);
    expect(sink.summary).not.toContain(LOGGED.method);
  });
});

describe('a session that ends', () => {
  it('takes its own connections with it, after their last call', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const session = ofSession('me');
    const held = await pool.hold(server, session);
    session.session?.end();
    expect(connector.live).toHaveLength(1);
    held.release();
    held.release();
    expect(connector.opened[0]?.closedByUs).toBe(true);
  });

  it('leaves the child process to the other sessions of its principal', async () => {
    const server = childServer('a');
    const { connector, pool } = world([server]);
    const [one, other] = [ofSession('me'), ofSession('me')];
    for (const each of [one, other]) await pool.use(server, each, async () => undefined);
    one.session?.end();
    await pool.use(server, other, async () => undefined);
    expect([connector.opened.length, connector.live.length]).toEqual([1, 1]);
  });

  it('closes what was being opened for it', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    const session = ofSession('me');
    const holding = pool.hold(server, session);
    session.session?.end();
    (await holding).release();
    expect(connector.live).toEqual([]);
  });
});

describe('what nobody has used for long', () => {
  it('is closed, unless a session could still need it', async () => {
    const [server, child] = [remoteServer('a'), childServer('b')];
    const { connector, pool } = world([server, child], { upstreamIdleMs: 1_000 });
    await pool.use(server, face('me'), async () => undefined);
    const session = ofSession('me');
    await pool.use(child, session, async () => undefined);
    const held = await pool.hold(server, face('you'));
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
  it('are bounded for each server; one that nobody needs makes room', async () => {
    const [server, other] = [childServer('a'), childServer('b')];
    const { connector, pool } = world([server, other], { maxChildProcesses: 2 });
    const held = [await pool.hold(server, face('a')), await pool.hold(server, face('b'))];
    await expect(pool.hold(server, face('c'))).rejects.toMatchObject({ code: -31003, httpStatus: 503 });
    (await pool.hold(other, face('c'))).release();
    held[0]?.release();
    held.push(await pool.hold(server, face('c')));
    expect(connector.opened.filter(({ closed }) => closed).map(({ server: { slug } }) => slug)).toEqual(['a']);
    held[1]?.release();
    connector.live[0]?.die();
    (await pool.hold(server, face('d'))).release();
  });

  it('that could not be started take no place', async () => {
    const server = childServer('a');
    const { connector, pool } = world([server], { maxChildProcesses: 1 });
    connector.beforeOpening = () => Promise.reject(new OutcomeError(unreachable('a')));
    for (const subject of ['a', 'b', 'c']) {
      await expect(pool.hold(server, face(subject))).rejects.toMatchObject({ code: -31004 });
    }
    connector.beforeOpening = async () => undefined;
    (await pool.hold(server, face('d'))).release();
    expect(connector.live).toHaveLength(1);
  });
});

describe('the end of the worker', () => {
  it('closes what is unused at once, and everything with the connector', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    await pool.use(server, face('me'), async () => undefined);
    await pool.close();
    expect([connector.live.length, connector.isShutDown]).toEqual([0, true]);
    await settled();
  });

  it('waits until the server is told of the end of its sessions', async () => {
    const server = remoteServer('a');
    const { connector, pool } = world([server]);
    await pool.use(server, face('me'), async () => undefined);
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
