import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import { remoteServer, settled } from '../../../test/support/fake-upstream.js';
import {
  ANNOUNCED,
  closeWorlds,
  listFetcherWorld as world,
  MINE,
  toToolNames,
  RESOURCES_CHANGED,
  THEIRS,
} from './list-fetcher-fixture.js';

const A_MINUTE = 60_000;

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
});

afterEach(async () => {
  await closeWorlds();
  jest.useRealTimers();
});

describe('invalidation of cached lists', () => {
  async function subscribedWorld() {
    const made = await world();
    made.connector.capabilities.set('a', ANNOUNCED);
    // The subscription starts after the first request, so only the second result is reliably current.
    await made.list();
    await settled();
    await made.list();
    return { ...made, before: made.requestCount() };
  }

  it('subscribes to the list changes of a server while one of its lists is cached, and for at least a minute', async () => {
    const { listeners } = await subscribedWorld();
    expect(listeners().map(({ filter }) => filter)).toEqual([
      { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true },
    ]);
    await jest.advanceTimersByTimeAsync(2 * A_MINUTE);
    expect(listeners()).toEqual([]);
  });

  it('opens no subscription at a server that does not announce list changes', async () => {
    const { list, listeners } = await world();
    await list();
    await settled();
    expect(listeners()).toEqual([]);
  });

  it('shares the upstream subscription of a listening client to watch a cached list', async () => {
    const { made, list, connector, listeners, requestCount } = await world();
    connector.capabilities.set('a', ANNOUNCED);
    const leaving = new AbortController();
    const notifications = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
    const listening = made.request(
      'subscriptions/listen',
      { notifications },
      { endpoint: 'a', signal: leaving.signal },
    );
    await settled();
    await list();
    await settled();
    await list();
    expect([listeners().length, requestCount()]).toEqual([1, 1]);
    leaving.abort();
    await listening;
  });

  it('fetches a cached list again as soon as the server announces a change', async () => {
    const { list, change, before, requestCount } = await subscribedWorld();
    await list();
    expect(requestCount()).toBe(before);
    change();
    expect(toToolNames(await list())).toBe(`t${before + 1}`);
  });

  it('keeps the cached tools when the server announces that its resources changed', async () => {
    const { list, change, before, requestCount } = await subscribedWorld();
    change(RESOURCES_CHANGED);
    await list();
    expect(requestCount()).toBe(before);
  });

  it('invalidates cached resource templates when the server announces that its resources changed', async () => {
    const { list, change, requestCount } = await subscribedWorld();
    for (const method of ['resources/list', 'resources/templates/list']) await list({ method });
    const before = requestCount();
    change(RESOURCES_CHANGED);
    for (const method of ['resources/list', 'resources/templates/list']) await list({ method });
    expect(requestCount()).toBe(before + 2);
  });

  it('neither caches a list that changed during its request nor returns it to later requests', async () => {
    const { connector, list, change, state, before } = await subscribedWorld();
    await jest.advanceTimersByTimeAsync(10_000);
    const old = Promise.withResolvers<Outcome>();
    const fine = connector.respond;
    connector.respond = () => old.promise;
    const early = list();
    await settled();
    change();
    connector.respond = fine;
    const late = await list();
    old.resolve(result({ tools: [{ name: 'old' }], ...state.hints }));
    expect(toToolNames(await early)).toBe('old');
    expect([toToolNames(late), toToolNames(await list())]).toEqual([`t${before + 2}`, `t${before + 2}`]);
  });

  it('fetches a cached list again after its upstream subscription was interrupted', async () => {
    const { connector, list, before, requestCount } = await subscribedWorld();
    connector.live[0]?.breakOff();
    await list();
    expect(requestCount()).toBe(before);
    await jest.advanceTimersByTimeAsync(1_000);
    await list();
    expect(requestCount()).toBe(before + 1);
  });

  it('fetches a cached list again after the definition of its server changed', async () => {
    const { made, list, before, requestCount } = await subscribedWorld();
    made.registry.configure([remoteServer('a', { headers: { authorization: 'another' } }), remoteServer('b')]);
    await list();
    expect(requestCount()).toBe(before + 1);
  });
});

describe('lists after a tool call', () => {
  it('fetches the list again for the caller of a tool, and keeps the cached list for other callers', async () => {
    const { made, list, requestCount } = await world();
    await list();
    await made.request('tools/call', { name: 'x' }, { endpoint: 'a', caller: MINE });
    const before = requestCount();
    await list({ caller: THEIRS });
    expect(requestCount()).toBe(before);
    await list();
    await list();
    expect(requestCount()).toBe(before + 1);
  });

  it('does not share a list request that started before the caller’s tool call ended', async () => {
    const { made, connector, list, requestCount } = await world();
    await list();
    await jest.advanceTimersByTimeAsync(10_000);
    const slow = Promise.withResolvers<Outcome>();
    const fine = connector.respond;
    connector.respond = ({ request }) => (request.method === 'tools/list' ? slow.promise : result({}));
    const theirs = list({ caller: THEIRS });
    await settled();
    await made.request('tools/call', { name: 'x' }, { endpoint: 'a', caller: MINE });
    connector.respond = fine;
    const before = requestCount();
    await list();
    expect(requestCount()).toBe(before + 1);
    slow.resolve(result({ tools: [] }));
    await theirs;
  });

  it('returns the cached list two seconds after a tool call while a subscription would have announced a change', async () => {
    const { made, connector, list, requestCount } = await world({ ttlMs: A_MINUTE, cacheScope: 'public' });
    connector.capabilities.set('a', ANNOUNCED);
    await list();
    await settled();
    await list();
    await made.request('tools/call', { name: 'x' }, { endpoint: 'a', caller: MINE });
    const before = requestCount();
    await jest.advanceTimersByTimeAsync(2_001);
    await list();
    expect(requestCount()).toBe(before);
    connector.beforeSubscribing = () => new Promise(() => undefined);
    connector.live[0]?.breakOff();
    await list();
    expect(requestCount()).toBe(before + 1);
  });
});
