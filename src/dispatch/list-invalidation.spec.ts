import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result, type Outcome } from '#lib/mcp-protocol';
import { remoteServer, settled } from '../../test/support/fake-upstream.js';
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

describe('a list that changes', () => {
  async function following() {
    const made = await world();
    made.connector.capabilities.set('a', ANNOUNCED);
    // What was fetched before anybody listened may have changed since.
    await made.list();
    await settled();
    await made.list();
    return { ...made, before: made.asked() };
  }

  it('is listened to as long as it is remembered, and a little longer', async () => {
    const { listeners } = await following();
    expect(listeners().map(({ filter }) => filter)).toEqual([
      { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true },
    ]);
    await jest.advanceTimersByTimeAsync(2 * A_MINUTE);
    expect(listeners()).toEqual([]);
  });

  it('is not listened to where the server announces no changes', async () => {
    const { list, listeners } = await world();
    await list();
    await settled();
    expect(listeners()).toEqual([]);
  });

  it('is listened to together with clients who listen', async () => {
    const { made, list, connector, listeners, asked } = await world();
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
    expect([listeners().length, asked()]).toEqual([1, 1]);
    leaving.abort();
    await listening;
  });

  it('is asked for anew at once', async () => {
    const { list, change, before, asked } = await following();
    await list();
    expect(asked()).toBe(before);
    change();
    expect(toToolNames(await list())).toBe(`t${before + 1}`);
  });

  it('is no other list', async () => {
    const { list, change, before, asked } = await following();
    change(RESOURCES_CHANGED);
    await list();
    expect(asked()).toBe(before);
  });

  it('of resources is that of their templates too', async () => {
    const { list, change, asked } = await following();
    for (const method of ['resources/list', 'resources/templates/list']) await list({ method });
    const before = asked();
    change(RESOURCES_CHANGED);
    for (const method of ['resources/list', 'resources/templates/list']) await list({ method });
    expect(asked()).toBe(before + 2);
  });

  it('while it is asked for is neither remembered nor given to who asks afterwards', async () => {
    const { connector, list, change, state, before } = await following();
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

  it('may have changed unheard while nobody could listen', async () => {
    const { connector, list, before, asked } = await following();
    connector.live[0]?.die();
    await list();
    expect(asked()).toBe(before);
    await jest.advanceTimersByTimeAsync(1_000);
    await list();
    expect(asked()).toBe(before + 1);
  });

  it('with the configuration of its server is asked for anew', async () => {
    const { made, list, before, asked } = await following();
    made.registry.configure([remoteServer('a', { headers: { authorization: 'another' } }), remoteServer('b')]);
    await list();
    expect(asked()).toBe(before + 1);
  });
});

describe('a caller that called a tool', () => {
  it('finds what that changed in the list, though the server says nothing; others do not ask again', async () => {
    const { made, list, asked } = await world();
    await list();
    await made.request('tools/call', { name: 'x' }, { endpoint: 'a', caller: MINE });
    const before = asked();
    await list({ caller: THEIRS });
    expect(asked()).toBe(before);
    await list();
    await list();
    expect(asked()).toBe(before + 1);
  });

  it('is not given what was asked for before its call ended', async () => {
    const { made, connector, list, asked } = await world();
    await list();
    await jest.advanceTimersByTimeAsync(10_000);
    const slow = Promise.withResolvers<Outcome>();
    const fine = connector.respond;
    connector.respond = ({ request }) => (request.method === 'tools/list' ? slow.promise : result({}));
    const theirs = list({ caller: THEIRS });
    await settled();
    await made.request('tools/call', { name: 'x' }, { endpoint: 'a', caller: MINE });
    connector.respond = fine;
    const before = asked();
    await list();
    expect(asked()).toBe(before + 1);
    slow.resolve(result({ tools: [] }));
    await theirs;
  });

  it('a while ago is given what is remembered, where a change would have been heard', async () => {
    const { made, connector, list, asked } = await world({ ttlMs: A_MINUTE, cacheScope: 'public' });
    connector.capabilities.set('a', ANNOUNCED);
    await list();
    await settled();
    await list();
    await made.request('tools/call', { name: 'x' }, { endpoint: 'a', caller: MINE });
    const before = asked();
    await jest.advanceTimersByTimeAsync(2_001);
    await list();
    expect(asked()).toBe(before);
    connector.beforeListening = () => new Promise(() => undefined);
    connector.live[0]?.die();
    await list();
    expect(asked()).toBe(before + 1);
  });
});
