import { describe, expect, it } from '@jest/globals';
import { SystemClock } from '#lib/time';
import {
  callerOf,
  childServer,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
  settled,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import type { ServerDefinition } from '../registry/index.js';
import { limits } from './connections-fixture.js';
import { createSession, sessionStart } from '../session-pool/testing.js';
import { Session } from '../session-pool/index.js';
import type { ConnectionScope } from './sharing.js';
import { UpstreamPool } from './upstream-pool.js';

const [one, other] = [remoteServer('one'), remoteServer('other')];

function worker(servers: readonly ServerDefinition[]) {
  const connector = new FakeConnector();
  return { connector, pool: new UpstreamPool(connector, limits(), new FakeRegistry(servers), new SystemClock()) };
}

const scopeOf = (session: Session): ConnectionScope => ({
  caller: session.start.caller,
  client: LEGACY_CLIENT,
  session,
});

const sessionOf = (subject: string): Session => createSession({ caller: callerOf(subject) });

describe('the upstream sessions of a handed-off session', () => {
  it('continues upstream sessions at the new owner and closes them with the session there', async () => {
    const [from, to] = [worker([one, other]), worker([one, other])];
    const session = sessionOf('me');
    for (const server of [one, other]) await from.pool.use(server, scopeOf(session), async () => undefined);
    const states = from.pool.releaseForHandoff(session) ?? [];
    session.end();
    expect(from.connector.opened.map(({ closedByUs }) => closedByUs)).toEqual([false, false]);
    const restored = new Session(sessionStart({ ...session.start }), limits(), new SystemClock());
    to.pool.restore(restored, states);
    for (const server of [one, other]) await to.pool.use(server, scopeOf(restored), async () => undefined);
    expect(to.connector.adopted.map(({ sessionId }) => sessionId)).toEqual(['upstream-one', 'upstream-other']);
    expect(to.connector.opened).toHaveLength(2);
    restored.end();
    expect(to.connector.opened.map(({ closedByUs }) => closedByUs)).toEqual([true, true]);
  });

  it('end only at the last owner, once each', async () => {
    const [from, to] = [worker([one]), worker([one])];
    const ended: string[] = [];
    from.pool.endedSessions.listen(() => ended.push('previous'));
    to.pool.endedSessions.listen(({ revision, transport }) => ended.push(`new ${transport} ${revision}`));
    const session = sessionOf('me');
    await from.pool.use(one, scopeOf(session), async () => undefined);
    const restored = new Session(sessionStart({ ...session.start }), limits(), new SystemClock());
    to.pool.restore(restored, from.pool.releaseForHandoff(session) ?? []);
    session.end();
    expect(ended).toEqual([]);
    restored.end();
    await to.pool.close();
    expect(ended).toEqual(['new http legacy']);
  });

  it('delivers notifications of restored upstream sessions at the new owner immediately', async () => {
    const [from, to] = [worker([one]), worker([one])];
    const session = sessionOf('me');
    await from.pool.use(one, scopeOf(session), async () => undefined);
    const restored = new Session(sessionStart({ ...session.start }), limits(), new SystemClock());
    const sink = new RecordingSink();
    restored.openServerStream(sink);
    to.pool.restore(restored, from.pool.releaseForHandoff(session) ?? []);
    to.connector.opened[0]?.emitNotification({ method: 'notifications/message', params: { level: 'info', data: 1 } });
    await restored.notifyServers({ method: 'notifications/roots/list_changed', params: {} });
    expect(sink.summary).toEqual(['opened', 'notifications/message']);
    expect(to.connector.opened[0]?.sentNotifications).toHaveLength(1);
  });

  it('releases neither upstream sessions of another session nor shared connections', async () => {
    const modern = remoteServer('modern');
    const { connector, pool } = worker([one, modern]);
    connector.eras.set('modern', 'modern');
    const [session, neighbour] = [sessionOf('me'), sessionOf('me')];
    for (const each of [session, neighbour]) {
      for (const server of [one, modern]) await pool.use(server, scopeOf(each), async () => undefined);
    }
    expect(pool.releaseForHandoff(session)).toHaveLength(1);
    session.end();
    await pool.use(one, scopeOf(neighbour), async () => undefined);
    await pool.use(modern, scopeOf(neighbour), async () => undefined);
    expect(connector.opened.map(({ isDetached }) => isDetached)).toEqual([true, false, false]);
    expect(connector.live).toHaveLength(2);
  });

  it('releases no upstream session if one of them cannot move', async () => {
    const { connector, pool } = worker([one, other]);
    const session = sessionOf('me');
    for (const server of [one, other]) await pool.use(server, scopeOf(session), async () => undefined);
    const [, bound] = connector.opened;
    if (bound) bound.detachSession = undefined;
    expect(pool.releaseForHandoff(session)).toBeUndefined();
    await pool.use(one, scopeOf(session), async () => undefined);
    expect(connector.live).toHaveLength(2);
    session.end();
    expect(connector.live).toEqual([]);
  });

  it('does not release a child process that the sessions of a principal share', async () => {
    const child = childServer('child');
    const { connector, pool } = worker([child]);
    const session = sessionOf('me');
    await pool.use(child, scopeOf(session), async () => undefined);
    expect(pool.releaseForHandoff(session)).toEqual([]);
    expect(connector.live).toHaveLength(1);
  });

  it('does not close a released upstream session when its last holder leaves', async () => {
    const { connector, pool } = worker([one]);
    const session = sessionOf('me');
    const held = await pool.hold(one, scopeOf(session));
    let notified = 0;
    held.onClosed(() => (notified += 1));
    pool.releaseForHandoff(session);
    session.end();
    held.release();
    expect([notified, connector.opened[0]?.closedByUs]).toEqual([0, false]);
  });

  it('closes an upstream session that is still being opened during the handoff', async () => {
    const { connector, pool } = worker([one]);
    const session = sessionOf('me');
    const opening = Promise.withResolvers<void>();
    connector.beforeOpening = () => opening.promise;
    const holding = pool.hold(one, scopeOf(session));
    await settled();
    expect(pool.releaseForHandoff(session)).toEqual([]);
    opening.resolve();
    (await holding).release();
    expect(connector.opened[0]?.closedByUs).toBe(true);
  });

  it('restores no upstream session whose server is configured differently or missing, and reports its end', async () => {
    const [from, to] = [worker([one, other]), worker([childServer('one')])];
    const session = sessionOf('me');
    for (const server of [one, other]) await from.pool.use(server, scopeOf(session), async () => undefined);
    const ended: string[] = [];
    to.pool.endedSessions.listen(({ revision, transport }) => ended.push(`${transport} ${revision}`));
    const restored = new Session(sessionStart({ ...session.start }), limits(), new SystemClock());
    to.pool.restore(restored, from.pool.releaseForHandoff(session) ?? []);
    expect(to.connector.opened).toEqual([]);
    expect(ended).toEqual(['http legacy', 'http legacy']);
    restored.end();
    expect(ended).toHaveLength(2);
  });
});
