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

const open: UpstreamPool[] = [];

function world(servers: readonly ServerDefinition[]) {
  const connector = new FakeConnector();
  const registry = new FakeRegistry(servers);
  const pool = new UpstreamPool(connector, limits(), registry);
  open.push(pool);
  return { connector, registry, pool };
}

afterEach(async () => {
  for (const pool of open.splice(0)) await pool.close();
});

const face = (subject: string): ConnectionScope => ({
  caller: callerOf(subject),
  client: LEGACY_CLIENT,
  session: undefined,
});

describe('a server that is configured anew', () => {
  it('is spoken to over a new connection; the old one ends with its last call', async () => {
    const [before, now] = [remoteServer('a'), remoteServer('a', { url: 'http://elsewhere.example' })];
    const untouched = remoteServer('b');
    const { connector, registry, pool } = world([before, untouched]);
    const held = await pool.hold(before, face('me'));
    await pool.use(untouched, face('me'), async () => undefined);
    let told = 0;
    held.onClosed(() => (told += 1));
    registry.configure([now, untouched]);
    expect([told, connector.forgotten]).toEqual([1, ['a']]);
    expect(connector.live).toHaveLength(2);
    await pool.use(now, face('me'), async ({ profile }) => expect(profile).toBeDefined());
    held.release();
    expect(connector.live.map((connection) => connection.server)).toEqual([untouched, now]);
  });

  it('is left by whoever begins to hold it too late to be told', async () => {
    const [before, now] = [remoteServer('a'), remoteServer('a', { url: 'http://elsewhere.example' })];
    const { registry, pool } = world([before]);
    const held = await pool.hold(before, face('me'));
    registry.configure([now]);
    let told = 0;
    held.onClosed(() => (told += 1));
    expect(told).toBe(1);
  });

  it('is reached by nobody under its old definition', async () => {
    const [before, now] = [remoteServer('a'), remoteServer('a', { url: 'http://elsewhere.example' })];
    const { connector, registry, pool } = world([before]);
    const late = pool.hold(before, face('me'));
    registry.configure([now]);
    await expect(late).rejects.toMatchObject({
      code: -31004,
      data: { outcome: 'not_executed', retriable: true, server: 'a' },
    });
    expect(connector.opened).toEqual([]);
  });

  it('is asked again what it is', async () => {
    const [before, now] = [remoteServer('a'), remoteServer('a', { url: 'http://elsewhere.example' })];
    const { connector, registry, pool } = world([before]);
    await pool.profileOf(before, face('me'));
    connector.eras.set('a', 'modern');
    registry.configure([now]);
    expect(pool.eraOf(now)).toBeUndefined();
    expect(await pool.profileOf(now, face('me'))).toMatchObject({ era: 'modern' });
    expect(await pool.profileOf(now, face('me'))).toMatchObject({ era: 'modern' });
    expect(connector.opened).toHaveLength(2);
  });
});
