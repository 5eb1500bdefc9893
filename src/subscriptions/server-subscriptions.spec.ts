import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import type { McpNotification } from '#lib/mcp-protocol';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
  unreachable,
} from '../../test/support/fake-upstream.js';
import { ConnectionsConfig, UpstreamPool } from '../connections/index.js';
import { ServerSubscriptions } from './server-subscriptions.js';

const FILTER = { toolsListChanged: true, resourceSubscriptions: ['file:///a'] };
const CHANGED = { method: 'notifications/tools/list_changed', params: {} };
const UPDATED = { method: 'notifications/resources/updated', params: { uri: 'file:///a' } };
const face = { caller: callerOf('me'), client: LEGACY_CLIENT, session: undefined };
const A_MINUTE = 60_000;

const pools: UpstreamPool[] = [];

function world() {
  const server = remoteServer('a');
  const connector = new FakeConnector();
  const registry = new FakeRegistry([server]);
  const pool = new UpstreamPool(connector, new ConnectionsConfig(), registry);
  pools.push(pool);
  const heard: McpNotification[] = [];
  const feeds = new ServerSubscriptions(pool, registry);
  return {
    server,
    connector,
    registry,
    pool,
    feeds,
    heard,
    onChange: (change: McpNotification) => void heard.push(change),
  };
}

const asDown = () => Promise.reject(new OutcomeError(unreachable('a')));

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers();
});

afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
  jest.useRealTimers();
});

describe('a change feed', () => {
  it('hears what was asked for until it is closed, and says what the server honours', async () => {
    const { server, connector, feeds, heard, onChange } = world();
    connector.honours = ({ toolsListChanged = false }) => ({ toolsListChanged });
    const feed = await feeds.subscribe(server, face, FILTER, onChange);
    expect(feed.honoured).toEqual({ toolsListChanged: true });
    connector.opened[0]?.change(CHANGED);
    feed.close();
    feed.close();
    connector.opened[0]?.change(CHANGED);
    expect(heard).toEqual([CHANGED]);
    expect(connector.opened[0]?.listeners).toEqual([]);
  });

  it('goes on over another connection when one ends, and tells that something may have been missed', async () => {
    const { server, connector, feeds, heard, onChange } = world();
    await feeds.subscribe(server, face, FILTER, onChange);
    connector.opened[0]?.die();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(heard).toEqual([CHANGED, UPDATED]);
    connector.opened[1]?.change(CHANGED);
    expect(heard).toHaveLength(3);
  });

  it('comes back however long its server was away, and does not ask it all the time', async () => {
    const { server, connector, feeds, heard, onChange } = world();
    let attempts = 0;
    await feeds.subscribe(server, face, FILTER, onChange);
    connector.beforeOpening = () => {
      attempts += 1;
      return asDown();
    };
    connector.opened[0]?.die();
    await jest.advanceTimersByTimeAsync(10 * A_MINUTE);
    expect(attempts).toBeGreaterThan(15);
    expect(attempts).toBeLessThan(60);
    connector.beforeOpening = async () => undefined;
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(heard).toEqual([CHANGED, UPDATED]);
  });

  it('is none when the server cannot be reached or refuses', async () => {
    const { server, connector, pool, feeds, onChange } = world();
    connector.beforeListening = asDown;
    await expect(feeds.subscribe(server, face, FILTER, onChange)).rejects.toMatchObject({ code: -31004 });
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(connector.opened).toHaveLength(1);
    pool.evictIdle(Date.now() + 60 * A_MINUTE);
    expect(connector.live).toEqual([]);
  });

  it('that was closed while it stood still does not come back', async () => {
    const { server, connector, feeds, onChange } = world();
    const feed = await feeds.subscribe(server, face, FILTER, onChange);
    connector.opened[0]?.die();
    feed.close();
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(connector.opened).toHaveLength(1);
  });

  it('that was closed while it came back lets go of what it got', async () => {
    const { server, connector, feeds, onChange } = world();
    const feed = await feeds.subscribe(server, face, FILTER, onChange);
    const listening = Promise.withResolvers<undefined>();
    connector.beforeListening = () => listening.promise;
    connector.opened[0]?.die();
    await jest.advanceTimersByTimeAsync(1_000);
    feed.close();
    listening.resolve(undefined);
    await jest.advanceTimersByTimeAsync(0);
    expect(connector.opened[1]?.listeners).toEqual([]);
  });

  it('follows its server to where it is configured anew', async () => {
    const { server, connector, registry, feeds, onChange } = world();
    await feeds.subscribe(server, face, FILTER, onChange);
    const moved = remoteServer('a', { url: 'http://elsewhere.example' });
    registry.configure([moved]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(connector.live.map((connection) => connection.server)).toEqual([moved]);
    expect(connector.live[0]?.listeners).toHaveLength(1);
  });

  it('waits for a server that was taken away', async () => {
    const { server, connector, registry, feeds, onChange } = world();
    const feed = await feeds.subscribe(server, face, FILTER, onChange);
    registry.configure([{ ...server, enabled: false }]);
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(connector.live).toEqual([]);
    registry.configure([server]);
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(connector.live[0]?.listeners).toHaveLength(1);
    feed.close();
  });
});

describe('a feed that follows', () => {
  it('waits for a server that is away, and tells that there is something new when it comes', async () => {
    const { server, connector, feeds, heard, onChange } = world();
    connector.beforeOpening = asDown;
    const feed = feeds.subscribeWithRetry(server, face, FILTER, onChange);
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    connector.beforeOpening = async () => undefined;
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(heard).toEqual([CHANGED, UPDATED]);
    feed.close();
    expect(connector.opened[0]?.listeners).toEqual([]);
  });

  it('does not ask a server again that refuses', async () => {
    const { server, connector, feeds, onChange } = world();
    let refusals = 0;
    connector.beforeListening = () => {
      refusals += 1;
      const error = { code: -32601, message: 'Method not found' };
      return Promise.reject(new OutcomeError({ kind: 'error', error }));
    };
    feeds.subscribeWithRetry(server, face, FILTER, onChange);
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect([refusals, jest.getTimerCount()]).toEqual([1, 1]);
  });
});
