import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import { callerOf, childServer, LEGACY_CLIENT } from '../../test/support/fake-upstream.js';
import type { ChangeFilter } from '../upstream/index.js';
import {
  closeWorlds,
  subscriptionsWorld as world,
  LIST_FILTER,
  PROMPTS_CHANGED,
  refusal,
  resourceFilter,
  TOOLS_CHANGED,
  resourceUpdated,
} from './subscriptions-fixture.js';

const A_MINUTE = 60_000;

const soon = () => jest.advanceTimersByTimeAsync(0);

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers();
});

afterEach(async () => {
  await closeWorlds();
  jest.useRealTimers();
});

describe('the sharing of a subscription', () => {
  it('shares a subscription among all subscribers at a modern server', async () => {
    const { join, open, change } = world();
    const joined = await Promise.all(['a', 'b', 'anonymous'].map((subject) => join(LIST_FILTER, subject)));
    expect(open()).toEqual([LIST_FILTER]);
    change(TOOLS_CHANGED);
    expect(joined.map(({ received }) => received)).toEqual([[TOOLS_CHANGED], [TOOLS_CHANGED], [TOOLS_CHANGED]]);
  });

  it('shares a legacy subscription only among one principal’s subscribers with equal capabilities', async () => {
    const { connector, join } = world('legacy');
    for (const subject of ['a', 'b', 'a']) await join(LIST_FILTER, subject);
    await join(LIST_FILTER, 'a', { roots: {} });
    expect(connector.opened.map(({ listeners }) => listeners)).toHaveLength(3);
    expect(connector.opened.map(({ listeners }) => listeners.length)).toEqual([1, 1, 1]);
  });

  it('never shares a legacy subscription between anonymous subscribers', async () => {
    const { connector, join } = world('legacy');
    for (let count = 0; count < 2; count += 1) await join(LIST_FILTER, 'anonymous');
    expect(connector.opened.map(({ listeners }) => listeners.length)).toEqual([1, 1]);
  });

  it('sends each subscriber only the changes that it requested (invariant 1)', async () => {
    const { join, change } = world();
    const [lists, x, folder] = await Promise.all([
      join(LIST_FILTER),
      join(resourceFilter('f:/x')),
      join(resourceFilter('f:/d/')),
    ]);
    for (const notification of [TOOLS_CHANGED, PROMPTS_CHANGED, resourceUpdated('f:/x'), resourceUpdated('f:/d/1')])
      change(notification);
    expect(lists?.received).toEqual([TOOLS_CHANGED, PROMPTS_CHANGED]);
    expect(x?.received).toEqual([resourceUpdated('f:/x')]);
    expect(folder?.received).toEqual([resourceUpdated('f:/d/1')]);
    expect([lists, x, folder].map((joined) => joined?.handle.honoured)).toEqual([
      LIST_FILTER,
      resourceFilter('f:/x'),
      resourceFilter('f:/d/'),
    ]);
  });

  it('delivers the update of a resource that the server names in its normalized form', async () => {
    const { connector, join } = world();
    const { received } = await join(resourceFilter('file:///a b', 'file:///c'));
    for (const uri of ['file:///a%20b', 'file:///a%20b#part', 'file:///other'])
      connector.opened[0]?.emitChange(resourceUpdated(uri));
    expect(received).toEqual([resourceUpdated('file:///a b'), resourceUpdated('file:///a%20b#part')]);
  });

  it('attaches each subscribed session to the shared connection of a child process', async () => {
    const { server, connector, subscriptions, session } = world('legacy', childServer('a'));
    const sessions = [session(), session()];
    const scopes = sessions.map((each) => ({ caller: callerOf('me'), client: LEGACY_CLIENT, session: each }));
    for (const each of scopes) await subscriptions.subscribe(server, each, LIST_FILTER, () => undefined);
    await soon();
    const roots = { method: 'notifications/roots/list_changed', params: {} };
    for (const each of sessions) await each.notifyServers(roots);
    expect(
      connector.opened.map(({ listeners, sentNotifications }) => [listeners.length, sentNotifications.length]),
    ).toEqual([[1, 2]]);
  });
});

describe('a subscriber that joins', () => {
  it('sends no request for a subscriber whose filter is already covered', async () => {
    const { requested, join } = world();
    await join({ ...LIST_FILTER, ...resourceFilter('f:/x', 'f:/y') });
    await join(LIST_FILTER);
    await join(resourceFilter('f:/y'));
    expect(requested).toHaveLength(1);
  });

  it('enlarges the subscription once for subscribers that join simultaneously', async () => {
    const { requested, join, open } = world();
    await join(LIST_FILTER);
    const uris = Array.from({ length: 100 }, (_, index) => `f:/${index}`);
    await Promise.all(uris.map((uri) => join(resourceFilter(uri))));
    expect(requested).toHaveLength(2);
    expect(open()).toEqual([{ ...LIST_FILTER, ...resourceFilter(...uris) }]);
  });

  it('opens the larger subscription before it closes the smaller one', async () => {
    const { connector, join, change, open } = world();
    const first = await join(LIST_FILTER);
    const opening = Promise.withResolvers<void>();
    connector.beforeSubscribing = () => opening.promise;
    const joining = join(resourceFilter('f:/x'));
    await soon();
    change(TOOLS_CHANGED);
    expect(open()).toEqual([LIST_FILTER]);
    opening.resolve();
    await joining;
    change(TOOLS_CHANGED);
    expect(first.received).toEqual([TOOLS_CHANGED, TOOLS_CHANGED]);
    expect(open()).toEqual([{ ...LIST_FILTER, ...resourceFilter('f:/x') }]);
  });

  it('delivers changes that arrive before the subscription is acknowledged', async () => {
    const { connector, join, change } = world();
    await join(LIST_FILTER);
    connector.honours = (filter) => {
      // The change arrives together with the acknowledgement.
      void Promise.resolve().then(() => change(resourceUpdated('f:/x')));
      return filter;
    };
    const { received } = await join(resourceFilter('f:/x'));
    expect(received).toContainEqual(resourceUpdated('f:/x'));
  });

  it('attaches a covered subscriber while a slow enlargement is opening', async () => {
    const { connector, join } = world();
    await join({ ...LIST_FILTER, ...resourceFilter('f:/x') });
    connector.beforeSubscribing = () => new Promise(() => undefined);
    void join(resourceFilter('f:/slow'));
    await soon();
    const { handle } = await join(LIST_FILTER);
    expect(handle.honoured).toEqual(LIST_FILTER);
  });

  it('rejects a subscriber beyond the limit of the subscription without affecting the others', async () => {
    const { join, open } = world();
    const many = (from: number) => resourceFilter(...Array.from({ length: 1_000 }, (_, index) => `f:/${from + index}`));
    for (let from = 0; from < 10_000; from += 1_000) await join(many(from));
    await expect(join(resourceFilter('f:/more'))).rejects.toMatchObject({ code: -31_003, httpStatus: 503 });
    expect(open()[0]?.resourceSubscriptions).toHaveLength(10_000);
    expect((await join(resourceFilter('f:/0'))).handle.honoured).toEqual(resourceFilter('f:/0'));
  });
});

describe('a shared subscription', () => {
  it('ends a shared subscription with its last subscriber', async () => {
    const { join, open } = world();
    const [one, other] = [await join(LIST_FILTER), await join(LIST_FILTER)];
    one.handle.close();
    expect(open()).toHaveLength(1);
    other.handle.close();
    expect(open()).toEqual([]);
  });

  it('drops a resource that no subscriber requests any more after a delay', async () => {
    const { join, open } = world();
    await join(LIST_FILTER);
    const { handle } = await join(resourceFilter('f:/x'));
    handle.close();
    expect(open()).toEqual([{ ...LIST_FILTER, ...resourceFilter('f:/x') }]);
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(open()).toEqual([LIST_FILTER]);
  });

  it('narrows the subscription of a single session at once', async () => {
    const { server, subscriptions, session, open } = world('legacy');
    const scope = { caller: callerOf('me'), client: LEGACY_CLIENT, session: session() };
    await subscriptions.subscribe(server, scope, LIST_FILTER, () => undefined);
    const handle = await subscriptions.subscribe(server, scope, resourceFilter('f:/x'), () => undefined);
    handle.close();
    await soon();
    expect(open()).toEqual([LIST_FILTER]);
  });

  it('closes a subscription whose only subscriber closed while it was opening', async () => {
    const { connector, follow, open } = world();
    const opening = Promise.withResolvers<void>();
    connector.beforeSubscribing = () => opening.promise;
    const { handle } = follow(LIST_FILTER);
    await soon();
    handle.close();
    opening.resolve();
    await soon();
    expect(open()).toEqual([]);
    expect(jest.getTimerCount()).toBe(1);
  });
});

describe('a server that does not grant a resource', () => {
  const without = (uri: string) => (filter: ChangeFilter) => {
    const left = (filter.resourceSubscriptions ?? []).filter((requested) => requested !== uri);
    const { resourceSubscriptions: _all, ...lists } = filter;
    return left.length > 0 ? { ...lists, ...resourceFilter(...left) } : lists;
  };

  it('omits an ungranted resource only for the subscribers that requested it', async () => {
    const { connector, join } = world();
    connector.honours = without('f:/x');
    const wanted = [LIST_FILTER, resourceFilter('f:/x', 'f:/y'), resourceFilter('f:/y'), resourceFilter('f:/x')];
    const joined = await Promise.all(wanted.map((filter) => join(filter)));
    expect(joined.map(({ handle }) => handle.honoured)).toEqual([
      LIST_FILTER,
      resourceFilter('f:/y'),
      resourceFilter('f:/y'),
      {},
    ]);
  });

  it('requests an ungranted resource again only for a new subscriber', async () => {
    const { connector, requested, join } = world();
    connector.honours = without('f:/x');
    await join(resourceFilter('f:/x', 'f:/y'));
    await join(resourceFilter('f:/z'));
    expect(requested.at(-1)).toEqual(resourceFilter('f:/y', 'f:/z'));
    connector.honours = (filter) => filter;
    expect((await join(resourceFilter('f:/x'))).handle.honoured).toEqual(resourceFilter('f:/x'));
  });

  it('returns the server’s error to a subscriber that requested only the rejected resource', async () => {
    const { connector, join, open } = world('legacy');
    connector.honours = without('f:/x');
    connector.refuses = (filter) =>
      filter.resourceSubscriptions?.includes('f:/x')
        ? [{ uri: 'f:/x', refusal: { kind: 'error', error: { code: -32_002, message: 'Resource not found' } } }]
        : [];
    const [lists, mixed, only] = await Promise.allSettled([
      join(LIST_FILTER),
      join(resourceFilter('f:/x', 'f:/y')),
      join(resourceFilter('f:/x')),
    ]);
    expect([lists, mixed].map((one) => one?.status === 'fulfilled' && one.value.handle.honoured)).toEqual([
      LIST_FILTER,
      resourceFilter('f:/y'),
    ]);
    expect(only).toMatchObject({ status: 'rejected', reason: { code: -32_002, message: 'Resource not found' } });
    expect(open()).toHaveLength(1);
  });

  it('rejects only the responsible subscriber if the server rejects a whole subscription (invariant 2)', async () => {
    const { connector, requested, join, open } = world();
    const answers = connector.beforeSubscribing;
    connector.beforeSubscribing = async (connection, filter) => {
      await answers(connection, filter);
      if (filter.resourceSubscriptions?.includes('f:/13')) throw refusal();
    };
    await join(LIST_FILTER);
    const uris = Array.from({ length: 20 }, (_, index) => `f:/${index}`);
    const joined = await Promise.allSettled(uris.map((uri) => join(resourceFilter(uri))));
    expect(joined.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []))).toEqual([13]);
    expect(joined[13]).toMatchObject({ reason: { code: -32_602 } });
    expect(open()).toEqual([{ ...LIST_FILTER, ...resourceFilter(...uris.filter((uri) => uri !== 'f:/13')) }]);
    expect(requested.length).toBeLessThan(15);
  });

  it('returns the server’s error to all subscribers with equal filters after one request', async () => {
    const { connector, requested, join, follow } = world();
    const answers = connector.beforeSubscribing;
    connector.beforeSubscribing = async (connection, filter) => {
      await answers(connection, filter);
      throw refusal(-32_601);
    };
    for (let count = 0; count < 3; count += 1) follow(LIST_FILTER);
    const joined = await Promise.allSettled(['a', 'b', 'c'].map((subject) => join(LIST_FILTER, subject)));
    expect(joined).toMatchObject(joined.map(() => ({ status: 'rejected', reason: { code: -32_601 } })));
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(requested).toHaveLength(1);
  });

  it('does not reject a new subscriber for a resource that was granted to others before', async () => {
    const { connector, join, open } = world();
    const [lists, x] = [await join(LIST_FILTER, 'a'), await join(resourceFilter('f:/x'), 'a')];
    connector.beforeSubscribing = async (_connection, filter) => {
      if (filter.resourceSubscriptions?.includes('f:/x')) throw refusal();
    };
    const y = await join(resourceFilter('f:/y'), 'b');
    expect(open()).toEqual([{ ...LIST_FILTER, ...resourceFilter('f:/y') }]);
    expect([lists.received, x.received, y.received]).toEqual([[TOOLS_CHANGED, PROMPTS_CHANGED], [], []]);
    connector.beforeSubscribing = async () => undefined;
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(x.received).toEqual([resourceUpdated('f:/x')]);
  });

  it('returns an error about the new subscriber’s own resource, not about one granted to others before', async () => {
    const { connector, join } = world();
    await join(resourceFilter('f:/secret'), 'a');
    connector.beforeSubscribing = async (_connection, { resourceSubscriptions = [] }) => {
      const [first] = resourceSubscriptions;
      throw new OutcomeError({ kind: 'error', error: { code: -32_602, message: `No such resource: ${first}` } });
    };
    await expect(join(resourceFilter('f:/y'), 'b')).rejects.toThrow('No such resource: f:/y');
  });

  it('bounds the number of requests to identify the rejected subscribers', async () => {
    const { connector, requested, join } = world();
    const answers = connector.beforeSubscribing;
    connector.beforeSubscribing = async (connection, filter) => {
      await answers(connection, filter);
      throw refusal();
    };
    const uris = Array.from({ length: 1_000 }, (_, index) => `f:/${index}`);
    const joined = await Promise.allSettled(uris.map((uri) => join(resourceFilter(uri))));
    expect(joined.every(({ status }) => status === 'rejected')).toBe(true);
    expect(requested.length).toBeLessThan(150);
  });
});
