import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import type { McpNotification } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
  settled,
  unreachable,
} from '../../test/support/fake-upstream.js';
import { ConnectionsConfig, UpstreamPool } from '../connections/index.js';
import { ServerSubscriptions } from './server-subscriptions.js';

const FILTER = { toolsListChanged: true, resourceSubscriptions: ['file:///a'] };
const CHANGED = { method: 'notifications/tools/list_changed', params: {} };
const UPDATED = { method: 'notifications/resources/updated', params: { uri: 'file:///a' } };
const scope = { caller: callerOf('me'), client: LEGACY_CLIENT, session: undefined };
const A_MINUTE = 60_000;

const pools: UpstreamPool[] = [];

function world() {
  const server = remoteServer('a');
  const connector = new FakeConnector();
  const registry = new FakeRegistry([server]);
  const pool = new UpstreamPool(connector, new ConnectionsConfig(), registry, clock);
  pools.push(pool);
  const received: McpNotification[] = [];
  const subscriptions = new ServerSubscriptions(pool, registry, clock);
  return {
    server,
    connector,
    registry,
    pool,
    subscriptions,
    received,
    onChange: (change: McpNotification) => void received.push(change),
  };
}

const rejectUnreachable = () => Promise.reject(new OutcomeError(unreachable('a')));

let clock: ManualClock;

beforeEach(() => {
  Logger.overrideLogger(false);
  clock = new ManualClock();
});

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

describe('a subscription to changes at a server', () => {
  it('delivers requested changes until it is closed and reports what the server honours', async () => {
    const { server, connector, subscriptions, received, onChange } = world();
    connector.honours = ({ toolsListChanged = false }) => ({ toolsListChanged });
    const handle = await subscriptions.subscribe(server, scope, FILTER, onChange);
    expect(handle.honoured).toEqual({ toolsListChanged: true });
    connector.opened[0]?.emitChange(CHANGED);
    handle.close();
    handle.close();
    connector.opened[0]?.emitChange(CHANGED);
    expect(received).toEqual([CHANGED]);
    expect(connector.opened[0]?.listeners).toEqual([]);
  });

  it('continues over a new connection when one closes, and reports everything as changed', async () => {
    const { server, connector, subscriptions, received, onChange } = world();
    await subscriptions.subscribe(server, scope, FILTER, onChange);
    connector.opened[0]?.breakOff();
    await clock.advance(1_000);
    expect(received).toEqual([CHANGED, UPDATED]);
    connector.opened[1]?.emitChange(CHANGED);
    expect(received).toHaveLength(3);
  });

  it('reconnects after any outage of the server, with a bounded number of attempts', async () => {
    const { server, connector, subscriptions, received, onChange } = world();
    let attempts = 0;
    await subscriptions.subscribe(server, scope, FILTER, onChange);
    connector.beforeOpening = () => {
      attempts += 1;
      return rejectUnreachable();
    };
    connector.opened[0]?.breakOff();
    await clock.advance(10 * A_MINUTE);
    expect(attempts).toBeGreaterThan(15);
    expect(attempts).toBeLessThan(60);
    connector.beforeOpening = async () => undefined;
    await clock.advance(A_MINUTE);
    expect(received).toEqual([CHANGED, UPDATED]);
  });

  it('rejects, and does not retry, if the server cannot be reached', async () => {
    const { server, connector, pool, subscriptions, onChange } = world();
    connector.beforeSubscribing = rejectUnreachable;
    await expect(subscriptions.subscribe(server, scope, FILTER, onChange)).rejects.toMatchObject({ code: -31004 });
    await clock.advance(A_MINUTE);
    expect(connector.opened).toHaveLength(1);
    pool.evictIdle(clock.now() + 60 * A_MINUTE);
    expect(connector.live).toEqual([]);
  });

  it('does not reconnect a subscription that was closed while interrupted', async () => {
    const { server, connector, subscriptions, onChange } = world();
    const handle = await subscriptions.subscribe(server, scope, FILTER, onChange);
    connector.opened[0]?.breakOff();
    handle.close();
    await clock.advance(A_MINUTE);
    expect(connector.opened).toHaveLength(1);
  });

  it('closes the new server subscription if the subscriber closed while it was opening', async () => {
    const { server, connector, subscriptions, onChange } = world();
    const handle = await subscriptions.subscribe(server, scope, FILTER, onChange);
    const listening = Promise.withResolvers<undefined>();
    connector.beforeSubscribing = () => listening.promise;
    connector.opened[0]?.breakOff();
    await clock.advance(1_000);
    handle.close();
    listening.resolve(undefined);
    await clock.advance(0);
    expect(connector.opened[1]?.listeners).toEqual([]);
  });

  it('moves to a new connection when the definition of its server changes', async () => {
    const { server, connector, registry, subscriptions, onChange } = world();
    await subscriptions.subscribe(server, scope, FILTER, onChange);
    const moved = remoteServer('a', { url: 'http://elsewhere.example' });
    registry.configure([moved]);
    await clock.advance(1_000);
    expect(connector.live.map((connection) => connection.server)).toEqual([moved]);
    expect(connector.live[0]?.listeners).toHaveLength(1);
  });

  it('waits for a disabled server and reconnects once it is enabled', async () => {
    const { server, connector, registry, subscriptions, onChange } = world();
    const handle = await subscriptions.subscribe(server, scope, FILTER, onChange);
    registry.configure([{ ...server, enabled: false }]);
    await clock.advance(A_MINUTE);
    expect(connector.live).toEqual([]);
    registry.configure([server]);
    await clock.advance(A_MINUTE);
    expect(connector.live[0]?.listeners).toHaveLength(1);
    handle.close();
  });
});

describe('a subscription with retry', () => {
  it('waits for an unreachable server and reports everything as changed once attached', async () => {
    const { server, connector, subscriptions, received, onChange } = world();
    connector.beforeOpening = rejectUnreachable;
    const handle = subscriptions.subscribeWithRetry(server, scope, FILTER, onChange);
    await clock.advance(A_MINUTE);
    connector.beforeOpening = async () => undefined;
    await clock.advance(A_MINUTE);
    expect(received).toEqual([CHANGED, UPDATED]);
    handle.close();
    expect(connector.opened[0]?.listeners).toEqual([]);
  });

  it('reports the lists as changed once a slow server is reached, although it announces no changes', async () => {
    const { server, connector, subscriptions, received, onChange } = world();
    const slow = Promise.withResolvers<undefined>();
    connector.honours = () => ({});
    connector.beforeOpening = () => slow.promise;
    subscriptions.subscribeWithRetry(server, scope, FILTER, onChange);
    await clock.advance(8_000);
    slow.resolve(undefined);
    await settled();
    await settled();
    expect(received).toEqual([CHANGED]);
  });

  it('reports nothing as changed when the server is reached at once', async () => {
    const { server, subscriptions, received, onChange } = world();
    subscriptions.subscribeWithRetry(server, scope, FILTER, onChange);
    await settled();
    expect(received).toEqual([]);
  });

  it('does not retry at a server that rejects the subscription', async () => {
    const { server, connector, subscriptions, onChange } = world();
    let refusals = 0;
    connector.beforeSubscribing = () => {
      refusals += 1;
      const error = { code: -32601, message: 'Method not found' };
      return Promise.reject(new OutcomeError({ kind: 'error', error }));
    };
    subscriptions.subscribeWithRetry(server, scope, FILTER, onChange);
    await clock.advance(A_MINUTE);
    expect([refusals, clock.pending]).toEqual([1, 1]);
  });
});
