import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf, childServer, FakeConnector, FakeRegistry, LEGACY_CLIENT } from '../../test/support/fake-upstream.js';
import { createSession } from '../session-pool/testing.js';
import {
  connectionOwner,
  createToolCall,
  NEVER_ABORTED,
  RecordingReply,
  server as ownedServer,
} from './connection-owner-fixture.js';
import { limits } from './connections-fixture.js';
import type { ConnectionsConfig } from './connections.config.js';
import { LinkedBus } from './linked-bus-fixture.js';
import { NOT_HELD } from './placement.js';
import { RemoteConnection } from './remote-connection.js';
import type { ConnectionScope } from './sharing.js';
import { UpstreamPool } from './upstream-pool.js';

const IDLE_MS = 2_000;
const server = childServer('child');
const clock = new ManualClock();
let pool: UpstreamPool;
let connector: FakeConnector;

afterEach(() => pool.close());

function start(settings: Partial<ConnectionsConfig>, of = server) {
  connector = new FakeConnector();
  pool = new UpstreamPool(connector, limits({ upstreamIdleMs: IDLE_MS, ...settings }), new FakeRegistry([of]), clock);
}

/** A session whose client declares capabilities of its own, for which it needs a process of its own. */
function sessionScope(subject: string, declared: string, endpoint = 'default') {
  const client = { ...LEGACY_CLIENT, capabilities: { experimental: { [declared]: {} } } };
  const session = createSession({ caller: callerOf(subject), endpoint, client });
  return { caller: callerOf(subject), client, session } satisfies ConnectionScope;
}

const use = (scope: ConnectionScope, of = server) => pool.use(of, scope, async () => undefined);
const closed = () => connector.opened.map((connection) => connection.closed);
const REFUSED = { httpStatus: 503, data: { outcome: 'not_executed' } };

describe('the child process of an open session that makes no calls', () => {
  it('makes room for another principal once it has been idle for the idle time, and the session gets a new one', async () => {
    start({ maxChildProcesses: 2 });
    const [first, second, you] = [sessionScope('me', '1'), sessionScope('me', '2'), sessionScope('you', '1')];
    await use(first);
    await clock.advance(1);
    await use(second);
    await clock.advance(IDLE_MS - 2);
    await expect(use(you)).rejects.toMatchObject(REFUSED);
    await clock.advance(1);
    await use(you);
    expect(closed()).toEqual([true, false, false]);
    expect(first.session.isEnded).toBe(false);
    await clock.advance(IDLE_MS);
    await use(first);
    await first.session.notifyServers({ method: 'notifications/roots/list_changed', params: {} });
    expect(connector.opened.map(({ sentNotifications }) => sentNotifications.length)).toEqual([0, 0, 0, 1]);
  });

  it('stays while a call or a subscription holds it', async () => {
    start({ maxChildProcesses: 1 });
    const { release } = await pool.hold(server, sessionScope('me', '1'));
    await clock.advance(IDLE_MS * 2);
    await expect(use(sessionScope('you', '1'))).rejects.toMatchObject(REFUSED);
    release();
    await expect(use(sessionScope('you', '1'))).rejects.toMatchObject(REFUSED);
    expect(closed()).toEqual([false]);
  });

  it('stays while a process without sessions can be closed', async () => {
    start({ maxChildProcesses: 2 });
    await use(sessionScope('me', '1'));
    await clock.advance(IDLE_MS);
    await use({ ...sessionScope('other', '1'), session: undefined });
    await use(sessionScope('you', '1'));
    expect(closed()).toEqual([false, true, false]);
  });

  it('is closed first for a principal that holds several', async () => {
    start({ maxChildProcesses: 3 });
    for (const [subject, declared] of [
      ['one', '1'],
      ['several', '1'],
      ['several', '2'],
    ] as const) {
      await use(sessionScope(subject, declared));
      await clock.advance(1);
    }
    await clock.advance(IDLE_MS);
    await use(sessionScope('you', '1'));
    expect(closed()).toEqual([false, true, false, false]);
  });

  it('makes room for another session of its principal at the limit per principal', async () => {
    start({ maxUpstreamSessionsPerPrincipal: 1 });
    await use(sessionScope('me', '1'));
    await expect(use(sessionScope('me', '2'))).rejects.toMatchObject({
      httpStatus: 429,
      message: expect.stringContaining('Close sessions that you do not need, or wait, then retry.') as unknown,
    });
    await clock.advance(IDLE_MS);
    await use(sessionScope('me', '2'));
    expect(closed()).toEqual([true, false]);
  });

  it('ends a session whose state it held alone', async () => {
    const isolated = childServer('child', { isolation: 'session' });
    start({ maxChildProcesses: 1 }, isolated);
    const alone = sessionScope('me', '1', 'child');
    await use(alone, isolated);
    await clock.advance(IDLE_MS);
    await use(sessionScope('you', '1'), isolated);
    expect([closed(), alone.session.isEnded]).toEqual([[true, false], true]);
  });
});

describe('the child process of an open session of another worker', () => {
  function startOwner() {
    const owner = connectionOwner(clock, { upstreamIdleMs: IDLE_MS, maxChildProcesses: 1 });
    ({ pool, connector } = owner);
    const bus = new LinkedBus('here');
    bus.workers.set('there', owner.serves);
    const ended = Promise.withResolvers<string>();
    const target = { worker: 'there', server: ownedServer, caller: callerOf('me'), client: LEGACY_CLIENT };
    const events = { notify: () => undefined, closed: ended.resolve };
    return { lease: RemoteConnection.open(bus, target, events, clock), ended: ended.promise };
  }

  const you = { caller: callerOf('you'), client: LEGACY_CLIENT, session: undefined };
  const hold = () => pool.hold(ownedServer, you);

  it('makes room once no call has used it for the idle time', async () => {
    const { lease, ended } = startOwner();
    const connection = await lease;
    await clock.advance(IDLE_MS - 1);
    await connection.request(createToolCall(), new RecordingReply(), NEVER_ABORTED);
    await clock.advance(IDLE_MS - 1);
    await expect(hold()).rejects.toMatchObject(REFUSED);
    await clock.advance(1);
    (await hold()).release();
    expect(closed()).toEqual([true, false]);
    await ended;
    expect(await connection.request(createToolCall(), new RecordingReply(), NEVER_ABORTED)).toBe(NOT_HELD);
  });

  it('stays while a call or a subscription of that worker uses it', async () => {
    const { lease } = startOwner();
    const connection = await lease;
    const subscription = await connection.subscribe({ toolsListChanged: true }, () => undefined);
    await clock.advance(IDLE_MS);
    await expect(hold()).rejects.toMatchObject(REFUSED);
    await subscription.close();
    const stop = new AbortController();
    const sent = Promise.withResolvers<void>();
    connector.respond = () => {
      sent.resolve();
      return new Promise(() => undefined);
    };
    const call = connection.request(createToolCall(), new RecordingReply(), stop.signal);
    await sent.promise;
    await clock.advance(IDLE_MS);
    await expect(hold()).rejects.toMatchObject(REFUSED);
    stop.abort();
    await call;
    expect(closed()).toEqual([false]);
  });
});
