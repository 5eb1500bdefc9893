import { afterEach, describe, expect, it } from '@jest/globals';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
} from '../../test/support/fake-upstream.js';
import type { ServerDefinition } from '../registry/index.js';
import { limits } from './connections-fixture.js';
import type { ConnectionScope } from './sharing.js';
import { UpstreamPool } from './upstream-pool.js';

const pools: UpstreamPool[] = [];

function world(servers: readonly ServerDefinition[]) {
  const connector = new FakeConnector();
  const registry = new FakeRegistry(servers);
  const pool = new UpstreamPool(connector, limits(), registry);
  pools.push(pool);
  return { connector, registry, pool };
}

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

const scopeOf = (subject: string): ConnectionScope => ({
  caller: callerOf(subject),
  client: LEGACY_CLIENT,
  session: undefined,
});

describe('a server whose definition changes', () => {
  it('uses a new connection after its definition changed, and closes the old one after its last call', async () => {
    const [before, now] = [remoteServer('a'), remoteServer('a', { url: 'http://elsewhere.example' })];
    const untouched = remoteServer('b');
    const { connector, registry, pool } = world([before, untouched]);
    const held = await pool.hold(before, scopeOf('me'));
    await pool.use(untouched, scopeOf('me'), async () => undefined);
    let notified = 0;
    held.onClosed(() => (notified += 1));
    registry.configure([now, untouched]);
    expect([notified, connector.forgotten]).toEqual([1, ['a']]);
    expect(connector.live).toHaveLength(2);
    await pool.use(now, scopeOf('me'), async ({ profile }) => expect(profile).toBeDefined());
    held.release();
    expect(connector.live.map((connection) => connection.server)).toEqual([untouched, now]);
  });

  it('notifies a holder of a retired connection that registers its listener late', async () => {
    const [before, now] = [remoteServer('a'), remoteServer('a', { url: 'http://elsewhere.example' })];
    const { registry, pool } = world([before]);
    const held = await pool.hold(before, scopeOf('me'));
    registry.configure([now]);
    let notified = 0;
    held.onClosed(() => (notified += 1));
    expect(notified).toBe(1);
  });

  it('opens no connection for an outdated definition (invariant 1)', async () => {
    const [before, now] = [remoteServer('a'), remoteServer('a', { url: 'http://elsewhere.example' })];
    const { connector, registry, pool } = world([before]);
    const late = pool.hold(before, scopeOf('me'));
    registry.configure([now]);
    await expect(late).rejects.toMatchObject({
      code: -31004,
      data: { outcome: 'not_executed', retriable: true, server: 'a' },
    });
    expect(connector.opened).toEqual([]);
  });

  it('detects the era and profile again after its definition changed', async () => {
    const [before, now] = [remoteServer('a'), remoteServer('a', { url: 'http://elsewhere.example' })];
    const { connector, registry, pool } = world([before]);
    await pool.profileOf(before, scopeOf('me'));
    connector.eras.set('a', 'modern');
    registry.configure([now]);
    expect(pool.eraOf(now)).toBeUndefined();
    expect(await pool.profileOf(now, scopeOf('me'))).toMatchObject({ era: 'modern' });
    expect(await pool.profileOf(now, scopeOf('me'))).toMatchObject({ era: 'modern' });
    expect(connector.opened).toHaveLength(2);
  });
});
