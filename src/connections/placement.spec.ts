import { describe, expect, it } from '@jest/globals';
import { GatewayError } from '#lib/extension-kit';
import { result } from '#lib/mcp-protocol';
import { SystemClock } from '#lib/time';
import {
  callerOf,
  childServer,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  MODERN_CLIENT,
  remoteServer,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import type { ServerDefinition } from '../registry/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import { Placement } from './placement.js';
import { limits } from './connections-fixture.js';
import { createSession } from '../session-pool/testing.js';
import type { Sharing, ConnectionScope } from './sharing.js';
import { UpstreamPool } from './upstream-pool.js';

/** Assigns every placed connection to one other worker, or to none. */
class FakePlacement extends Placement {
  worker: string | undefined = 'other';
  readonly gone = new Set<string>();
  /** How many leases the owner does not accept although it is alive. */
  unaccepted = 0;
  readonly opened: { readonly worker: string; readonly key: string; readonly events: ConnectionEvents }[] = [];
  readonly connector = new FakeConnector();
  private readonly listeners = new Set<() => void>();

  override ownerOf(): string | undefined {
    return this.worker;
  }

  override async open(
    worker: string,
    server: ServerDefinition,
    scope: ConnectionScope,
    { key }: Sharing,
    events: ConnectionEvents,
  ): Promise<UpstreamConnection> {
    this.unaccepted -= 1;
    if (this.gone.has(worker) || this.unaccepted >= 0) {
      throw new GatewayError(-31001, 'The owner is unreachable.', 503, { outcome: 'not_executed', retriable: true });
    }
    this.opened.push({ worker, key, events });
    return this.connector.open(server, scope.client, events, { signal: new AbortController().signal });
  }

  override isDead(worker: string): boolean {
    return this.gone.has(worker);
  }

  override onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  lose(worker: string): void {
    this.gone.add(worker);
    for (const listener of this.listeners) listener();
  }
}

function world(servers: readonly ServerDefinition[], settings = {}) {
  const connector = new FakeConnector();
  const placement = new FakePlacement();
  const pool = new UpstreamPool(connector, limits(settings), new FakeRegistry(servers), new SystemClock(), placement);
  return { connector, placement, pool };
}

const scopeOf = (subject: string): ConnectionScope => ({
  caller: { ...callerOf(subject), anonymous: subject === 'anonymous' },
  client: MODERN_CLIENT,
  session: undefined,
});

const sessionScope = (subject: string): ConnectionScope => {
  const { caller } = scopeOf(subject);
  return { caller, client: LEGACY_CLIENT, session: createSession({ caller }) };
};

const remote = remoteServer('a');
const child = childServer('a');

describe('the placement of a connection', () => {
  const cases: [string, ServerDefinition, 'legacy' | 'modern', ConnectionScope, boolean][] = [
    ['places a legacy child process of a principal', child, 'legacy', sessionScope('me'), true],
    ['places a legacy upstream session for clients without a session', remote, 'legacy', scopeOf('me'), true],
    [
      'places a shared child process',
      childServer('a', { isolation: 'none' }),
      'legacy',
      sessionScope('anonymous'),
      true,
    ],
    ["does not place a session's own connection", remote, 'legacy', sessionScope('me'), false],
    ["does not place an anonymous session's own child process", child, 'legacy', sessionScope('anonymous'), false],
    ['does not place the single-use connection of an anonymous client', remote, 'legacy', scopeOf('anonymous'), false],
    ['does not place a connection to a remote modern server', remote, 'modern', scopeOf('me'), false],
    ['places a modern child process, which alone can continue its questions', child, 'modern', scopeOf('me'), true],
  ];

  it.each(cases)('%s', async (_name, server, era, scope, expected) => {
    const { connector, placement, pool } = world([server]);
    connector.eras.set('a', era);
    await pool.use(server, scope, async () => undefined);
    // Detecting the era of a child process may take a first opening; the second one is then the placed connection.
    expect([placement.opened.length > 0, connector.opened.length]).toEqual(expected ? [true, 0] : [false, 1]);
  });

  it('opens a placed connection locally on its owner worker', async () => {
    const { connector, placement, pool } = world([child]);
    placement.worker = undefined;
    await pool.use(child, scopeOf('me'), async () => undefined);
    expect([placement.opened.length, connector.opened.length]).toEqual([0, 1]);
  });
});

describe('a lease on a connection of another worker', () => {
  it('opens one lease per sharing key, uses no local process slot, and closes it when idle', async () => {
    const { placement, pool } = world([child], { maxChildProcesses: 1, upstreamIdleMs: 1_000 });
    placement.connector.respond = () => result({ served: true });
    for (const subject of ['a', 'a', 'b', 'c']) {
      await pool.use(child, scopeOf(subject), async ({ profile }) => expect(profile.era).toBe('legacy'));
    }
    expect(placement.opened.map(({ worker }) => worker)).toEqual(['other', 'other', 'other']);
    pool.evictIdle(Date.now() + 2_000);
    expect(placement.connector.opened.every(({ closedByUs }) => closedByUs)).toBe(true);
  });

  it('serves one request over a second lease when a question blocks the connection, and stays for the others', async () => {
    const shared = childServer('a', { isolation: 'none' });
    const { placement, pool } = world([shared]);
    const first = await pool.hold(shared, scopeOf('a'));
    const other = await pool.hold(shared, scopeOf('b'), { isBlocked: true });
    expect(other.connection).not.toBe(first.connection);
    other.release();
    const again = await pool.hold(shared, scopeOf('b'));
    expect(again.connection).toBe(first.connection);
    expect(placement.connector.opened.map(({ closedByUs }) => closedByUs)).toEqual([false, true]);
    await pool.close();
  });

  it('forwards notifications outside any call to the sessions of its principal', async () => {
    const { placement, pool } = world([child]);
    const one = sessionScope('me');
    const sink = new RecordingSink();
    one.session?.openServerStream(sink);
    await pool.use(child, one, async () => undefined);
    placement.connector.opened[0]?.emitNotification({
      method: 'notifications/message',
      params: { level: 'info', data: 1 },
    });
    expect(sink.summary).toEqual(['opened', 'notifications/message']);
  });

  it('opens the connection locally if its owner is unreachable, and keeps it', async () => {
    const { connector, placement, pool } = world([child]);
    placement.gone.add('other');
    await pool.use(child, scopeOf('me'), async () => undefined);
    placement.worker = 'third';
    await pool.use(child, scopeOf('me'), async () => undefined);
    expect([connector.opened.length, placement.opened]).toEqual([1, []]);
    placement.lose('other');
    expect(connector.opened[0]?.closed).toBe(false);
  });

  it('waits for an owner that is alive but busy, because a second child process would not have the state of the first', async () => {
    const { connector, placement, pool } = world([child]);
    placement.unaccepted = 2;
    await pool.use(child, scopeOf('me'), async () => undefined);
    expect([connector.opened.length, placement.opened.length]).toEqual([0, 1]);
  });

  it('ends the lease when its owner dies, and notifies the holders', async () => {
    const { placement, pool } = world([child]);
    const notified: string[] = [];
    const held = await pool.hold(child, scopeOf('me'));
    held.onClosed(() => notified.push('closed'));
    placement.lose('stranger');
    expect(notified).toEqual([]);
    placement.worker = undefined;
    placement.lose('other');
    expect(notified).toEqual(['closed']);
    held.release();
    expect(placement.connector.live).toEqual([]);
  });

  it('no longer uses the lease of a dead owner, and keeps local connections', async () => {
    const { connector, placement, pool } = world([child, remoteServer('b')]);
    await pool.use(child, scopeOf('me'), async () => undefined);
    placement.worker = undefined;
    await pool.use(child, scopeOf('me'), async () => undefined);
    expect(connector.opened).toHaveLength(0);
    placement.lose('other');
    await pool.use(child, scopeOf('me'), async () => undefined);
    placement.worker = 'third';
    placement.lose('fourth');
    await pool.use(child, scopeOf('me'), async () => undefined);
    expect([connector.live.length, placement.opened.length]).toEqual([1, 1]);
  });
});

describe('a connection that another worker requests', () => {
  it('opens a requested connection locally, whatever the placement, and shares it', async () => {
    const { connector, placement, pool } = world([child]);
    const held = await pool.hold(child, scopeOf('me'), { forceLocal: true });
    await pool.use(child, scopeOf('me'), async () => undefined);
    expect([connector.opened.length, placement.opened.length]).toEqual([1, 0]);
    held.release();
  });

  it('never serves a request of another worker with a lease on a third worker', async () => {
    const { connector, placement, pool } = world([child]);
    await pool.use(child, scopeOf('me'), async () => undefined);
    (await pool.hold(child, scopeOf('me'), { forceLocal: true })).release();
    await pool.use(child, scopeOf('me'), async () => undefined);
    expect([connector.live.length, placement.connector.live.length]).toEqual([1, 0]);
  });
});
