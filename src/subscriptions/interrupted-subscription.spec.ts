import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { remoteServer } from '../../test/support/fake-upstream.js';
import {
  rejectUnreachable,
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

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers();
});

afterEach(async () => {
  await closeWorlds();
  jest.useRealTimers();
});

describe('an interrupted subscription', () => {
  it('reopens one subscription for all subscribers and reports everything as changed to each', async () => {
    const { connector, requested, join, open } = world();
    const lists = await join(LIST_FILTER);
    const resources = await Promise.all(['f:/x', 'f:/y'].map((uri) => join(resourceFilter(uri))));
    connector.opened[0]?.breakOff();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(requested).toHaveLength(3);
    expect(open()).toEqual([{ ...LIST_FILTER, ...resourceFilter('f:/x', 'f:/y') }]);
    expect(lists.received).toEqual([TOOLS_CHANGED, PROMPTS_CHANGED]);
    expect(resources.map(({ received }) => received)).toEqual([[resourceUpdated('f:/x')], [resourceUpdated('f:/y')]]);
  });

  it('rejects a new subscriber without retry during an interruption, while the others wait', async () => {
    const { connector, join, follow, open } = world();
    const waiting = await join(LIST_FILTER);
    connector.beforeOpening = rejectUnreachable;
    connector.opened[0]?.breakOff();
    await expect(join(LIST_FILTER)).rejects.toMatchObject({ code: -31_004 });
    const { received } = follow(LIST_FILTER);
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    connector.beforeOpening = async () => undefined;
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(open()).toEqual([LIST_FILTER]);
    expect([waiting.received, received]).toEqual([
      [TOOLS_CHANGED, PROMPTS_CHANGED],
      [TOOLS_CHANGED, PROMPTS_CHANGED],
    ]);
  });

  it('reopens the subscription for all when a new subscriber joins a server that is available again', async () => {
    const { connector, join, open } = world();
    const waiting = await join(LIST_FILTER);
    connector.opened[0]?.breakOff();
    const late = await join(resourceFilter('f:/x'));
    expect(open()).toEqual([{ ...LIST_FILTER, ...resourceFilter('f:/x') }]);
    expect([waiting.received, late.received]).toEqual([[TOOLS_CHANGED, PROMPTS_CHANGED], []]);
  });

  it('continues without a resource that the server rejects, until the server accepts it again', async () => {
    const { connector, join, open } = world();
    const [lists, x] = await Promise.all([join(LIST_FILTER), join(resourceFilter('f:/x'))]);
    connector.beforeSubscribing = async (_connection, filter) => {
      if (filter.resourceSubscriptions) throw refusal();
    };
    connector.opened[0]?.breakOff();
    await jest.advanceTimersByTimeAsync(10 * A_MINUTE);
    expect(open()).toEqual([LIST_FILTER]);
    expect([lists?.received, x?.received]).toEqual([[TOOLS_CHANGED, PROMPTS_CHANGED], []]);
    connector.beforeSubscribing = async () => undefined;
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(open()).toEqual([{ ...LIST_FILTER, ...resourceFilter('f:/x') }]);
    expect(x?.received).toEqual([resourceUpdated('f:/x')]);
  });
});

describe('a resource that a server no longer knows after an interruption', () => {
  it('requests an unknown resource again with growing delays', async () => {
    const { connector, requested, join, open } = world('legacy');
    await Promise.all([join(LIST_FILTER), join(resourceFilter('f:/x'))]);
    connector.honours = ({ resourceSubscriptions: _none, ...lists }) => lists;
    connector.refuses = ({ resourceSubscriptions = [] }) =>
      resourceSubscriptions.map((uri) => ({
        uri,
        refusal: { kind: 'error', error: { code: -32_002, message: 'No' } },
      }));
    connector.opened[0]?.breakOff();
    await jest.advanceTimersByTimeAsync(10 * A_MINUTE);
    expect(requested.length).toBeGreaterThan(15);
    expect(requested.length).toBeLessThan(60);
    expect(open()).toHaveLength(1);
  });
});

describe('a server whose sharing rule changes', () => {
  it('opens one subscription per group of subscribers that may share the new connection', async () => {
    const { connector, registry, join, open } = world();
    const joined = await Promise.all(['a', 'b', 'a'].map((subject) => join(LIST_FILTER, subject)));
    connector.eras.set('a', 'legacy');
    registry.configure([remoteServer('a', { url: 'http://elsewhere.example' })]);
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(connector.live).toHaveLength(2);
    expect(open()).toEqual([LIST_FILTER, LIST_FILTER]);
    expect(joined.map(({ received }) => received)).toEqual(
      Array.from({ length: 3 }, () => [TOOLS_CHANGED, PROMPTS_CHANGED]),
    );
    connector.live[0]?.emitChange(TOOLS_CHANGED);
    const counts = joined.map(({ received }) => received.length);
    expect(counts[0]).toBe(counts[2]);
    expect(counts[0]).not.toBe(counts[1]);
    for (const { handle } of joined) handle.close();
    expect(open()).toEqual([]);
  });

  it('detects a changed era of a server with an unchanged definition', async () => {
    const { connector, join, open } = world();
    const [one] = await Promise.all([join(LIST_FILTER, 'a'), join(LIST_FILTER, 'b')]);
    connector.opened[0]?.breakOff();
    connector.eras.set('a', 'legacy');
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(open()).toEqual([LIST_FILTER, LIST_FILTER]);
    expect(one?.received).toEqual([TOOLS_CHANGED, PROMPTS_CHANGED]);
  });
});
