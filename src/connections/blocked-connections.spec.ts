import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { SystemClock } from '#lib/time';
import {
  callerOf,
  childServer,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  settled,
  type FakeConnection,
} from '../../test/support/fake-upstream.js';
import { createSession } from '../session-pool/testing.js';
import type { ServerDefinition } from '../registry/index.js';
import { BLOCKED_BY_QUESTION } from '../upstream/index.js';
import {
  connectionOwner,
  createToolCall,
  NEVER_ABORTED,
  RecordingReply,
  server as leased,
} from './connection-owner-fixture.js';
import { limits } from './connections-fixture.js';
import type { ConnectionsConfig } from './connections.config.js';
import { LinkedBus } from './linked-bus-fixture.js';
import { RemoteConnection } from './remote-connection.js';
import { toCallIdentity, type ConnectionScope } from './sharing.js';
import { UpstreamPool } from './upstream-pool.js';

const pools: UpstreamPool[] = [];

function world(servers: readonly ServerDefinition[], settings: Partial<ConnectionsConfig> = {}) {
  const connector = new FakeConnector();
  const pool = new UpstreamPool(connector, limits(settings), new FakeRegistry(servers), new SystemClock());
  pools.push(pool);
  return { connector, pool };
}

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

const scopeOf = (subject: string): ConnectionScope => ({
  caller: callerOf(subject),
  client: LEGACY_CLIENT,
  session: undefined,
});

const sessionScope = (subject: string): ConnectionScope => ({
  ...scopeOf(subject),
  session: createSession({ caller: callerOf(subject), client: LEGACY_CLIENT }),
});

describe('a child process without isolation whose running call waits for its client', () => {
  const server = childServer('child', { isolation: 'none' });
  const blockedBy = (subject: string) => ({ asker: toCallIdentity(scopeOf(subject)) });

  /** Holds a connection for a principal, and lets a question of this principal block it. */
  async function block(made: ReturnType<typeof world>, subject: string) {
    const held = await made.pool.hold(server, scopeOf(subject));
    (held.connection as FakeConnection).blocking = blockedBy(subject);
    return held;
  }

  it('serves the other principals with a second process, which they share', async () => {
    const made = world([server]);
    const first = await block(made, 'a');
    const others = [await made.pool.hold(server, scopeOf('b')), await made.pool.hold(server, scopeOf('c'))];
    expect(others.map(({ connection }) => connection)).toEqual([made.connector.opened[1], made.connector.opened[1]]);
    expect(others.map(({ sharingKey }) => sharingKey)).toEqual([first.sharingKey, first.sharingKey]);
    expect(made.connector.opened).toHaveLength(2);
  });

  it('serves the principal itself, so that each principal blocks at most one process', async () => {
    const made = world([server]);
    await block(made, 'a');
    await block(made, 'b');
    made.connector.opened[0]!.blocking = undefined;
    const again = await made.pool.hold(server, scopeOf('b'));
    expect(again.connection).toBe(made.connector.opened[1]);
    expect((await made.pool.hold(server, scopeOf('c'))).connection).toBe(made.connector.opened[0]);
  });

  it('starts no more processes than the limit, and refuses a call that would need another one', async () => {
    const made = world([server], { maxChildProcesses: 2 });
    await block(made, 'a');
    await block(made, 'b');
    await expect(made.pool.hold(server, scopeOf('c'))).rejects.toMatchObject({ code: -31_003, httpStatus: 503 });
  });

  it('ends the second process once it is idle', async () => {
    const made = world([server]);
    await block(made, 'a');
    const other = await made.pool.hold(server, sessionScope('b'));
    other.release();
    made.pool.evictIdle(Number.MAX_SAFE_INTEGER);
    await settled();
    expect(made.connector.opened.map(({ closed }) => closed)).toEqual([false, true]);
  });
});

describe('a connection with a question that belongs to no known call', () => {
  const visit = async ({ pool }: ReturnType<typeof world>, server: ServerDefinition, subject: string) => {
    const { release } = await pool.hold(server, scopeOf(subject));
    release();
  };

  it('retires a connection that all clients share after an ambiguous question, once its users leave (invariant 3)', async () => {
    const server = childServer('child', { isolation: 'none' });
    const made = world([server]);
    const held = await made.pool.hold(server, scopeOf('a'));
    made.connector.opened[0]?.reportAmbiguousQuestion();
    await visit(made, server, 'b');
    expect(made.connector.opened.map(({ closed }) => closed)).toEqual([false, false]);
    held.release();
    expect(made.connector.opened.map(({ closed }) => closed)).toEqual([true, false]);
  });

  it('keeps the connection of a single principal after an ambiguous question', async () => {
    const server = childServer('child');
    const made = world([server]);
    await visit(made, server, 'a');
    made.connector.opened[0]?.reportAmbiguousQuestion();
    await visit(made, server, 'a');
    expect(made.connector.opened.map(({ closed }) => closed)).toEqual([false]);
  });
});

describe('a leased connection that the question of another principal blocks', () => {
  it('reports to the worker of the call that nothing has run, and keeps the lease', async () => {
    const clock = new ManualClock();
    const owner = connectionOwner(clock);
    const bus = new LinkedBus('here');
    bus.workers.set('there', owner.serves);
    const ends: string[] = [];
    const connection = await RemoteConnection.open(
      bus,
      { worker: 'there', server: leased, caller: callerOf('b'), client: LEGACY_CLIENT },
      { notify: () => undefined, closed: (reason) => void ends.push(reason) },
      clock,
    );
    const child = owner.connector.opened[0]!;
    const call = () => connection.request(createToolCall(), new RecordingReply(), NEVER_ABORTED);
    child.blocking = { asker: toCallIdentity(scopeOf('a')) };
    expect(await call()).toBe(BLOCKED_BY_QUESTION);
    expect([child.sent.length, connection.closed, ends]).toEqual([0, false, []]);
    child.blocking = undefined;
    expect(await call()).toMatchObject({ kind: 'result' });
    expect(child.sent).toHaveLength(1);
    await connection.close();
    await owner.pool.close();
  });
});
