import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { remoteServer } from '../../test/support/fake-upstream.js';
import {
  asDown,
  closeWorlds,
  feedsWorld as world,
  LISTS,
  PROMPTS,
  refused,
  to,
  TOOLS,
  updated,
} from './feeds-fixture.js';

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
    const { connector, asked, join, open } = world();
    const lists = await join(LISTS);
    const resources = await Promise.all(['f:/x', 'f:/y'].map((uri) => join(to(uri))));
    connector.opened[0]?.die();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(asked).toHaveLength(3);
    expect(open()).toEqual([{ ...LISTS, ...to('f:/x', 'f:/y') }]);
    expect(lists.heard).toEqual([TOOLS, PROMPTS]);
    expect(resources.map(({ heard }) => heard)).toEqual([[updated('f:/x')], [updated('f:/y')]]);
  });

  it('rejects a new subscriber without retry during an interruption, while the others wait', async () => {
    const { connector, join, follow, open } = world();
    const waiting = await join(LISTS);
    connector.beforeOpening = asDown;
    connector.opened[0]?.die();
    await expect(join(LISTS)).rejects.toMatchObject({ code: -31_004 });
    const { heard } = follow(LISTS);
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    connector.beforeOpening = async () => undefined;
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(open()).toEqual([LISTS]);
    expect([waiting.heard, heard]).toEqual([
      [TOOLS, PROMPTS],
      [TOOLS, PROMPTS],
    ]);
  });

  it('reopens the subscription for all when a new subscriber joins a server that is available again', async () => {
    const { connector, join, open } = world();
    const waiting = await join(LISTS);
    connector.opened[0]?.die();
    const late = await join(to('f:/x'));
    expect(open()).toEqual([{ ...LISTS, ...to('f:/x') }]);
    expect([waiting.heard, late.heard]).toEqual([[TOOLS, PROMPTS], []]);
  });

  it('continues without a resource that the server rejects, until the server accepts it again', async () => {
    const { connector, join, open } = world();
    const [lists, x] = await Promise.all([join(LISTS), join(to('f:/x'))]);
    connector.beforeListening = async (_connection, filter) => {
      if (filter.resourceSubscriptions) throw refused();
    };
    connector.opened[0]?.die();
    await jest.advanceTimersByTimeAsync(10 * A_MINUTE);
    expect(open()).toEqual([LISTS]);
    expect([lists?.heard, x?.heard]).toEqual([[TOOLS, PROMPTS], []]);
    connector.beforeListening = async () => undefined;
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(open()).toEqual([{ ...LISTS, ...to('f:/x') }]);
    expect(x?.heard).toEqual([updated('f:/x')]);
  });
});

describe('a resource that a server no longer knows after an interruption', () => {
  it('requests an unknown resource again with growing delays', async () => {
    const { connector, asked, join, open } = world('legacy');
    await Promise.all([join(LISTS), join(to('f:/x'))]);
    connector.honours = ({ resourceSubscriptions: _none, ...lists }) => lists;
    connector.refuses = ({ resourceSubscriptions = [] }) =>
      resourceSubscriptions.map((uri) => ({
        uri,
        refusal: { kind: 'error', error: { code: -32_002, message: 'No' } },
      }));
    connector.opened[0]?.die();
    await jest.advanceTimersByTimeAsync(10 * A_MINUTE);
    expect(asked.length).toBeGreaterThan(15);
    expect(asked.length).toBeLessThan(60);
    expect(open()).toHaveLength(1);
  });
});

describe('a server whose sharing rule changes', () => {
  it('opens one subscription per group of subscribers that may share the new connection', async () => {
    const { connector, registry, join, open } = world();
    const joined = await Promise.all(['a', 'b', 'a'].map((subject) => join(LISTS, subject)));
    connector.eras.set('a', 'legacy');
    registry.configure([remoteServer('a', { url: 'http://elsewhere.example' })]);
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(connector.live).toHaveLength(2);
    expect(open()).toEqual([LISTS, LISTS]);
    expect(joined.map(({ heard }) => heard)).toEqual(Array.from({ length: 3 }, () => [TOOLS, PROMPTS]));
    connector.live[0]?.change(TOOLS);
    const counts = joined.map(({ heard }) => heard.length);
    expect(counts[0]).toBe(counts[2]);
    expect(counts[0]).not.toBe(counts[1]);
    for (const { feed } of joined) feed.close();
    expect(open()).toEqual([]);
  });

  it('detects a changed era of a server with an unchanged definition', async () => {
    const { connector, join, open } = world();
    const [one] = await Promise.all([join(LISTS, 'a'), join(LISTS, 'b')]);
    connector.opened[0]?.die();
    connector.eras.set('a', 'legacy');
    await jest.advanceTimersByTimeAsync(A_MINUTE);
    expect(open()).toEqual([LISTS, LISTS]);
    expect(one?.heard).toEqual([TOOLS, PROMPTS]);
  });
});
