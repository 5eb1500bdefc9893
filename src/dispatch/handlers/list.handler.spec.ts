import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import { remoteServer, unreachable, type Respond } from '../../../test/support/fake-upstream.js';

const slugs = ['c', 'a', 'b'];
const worlds: DispatchWorld[] = [];

async function world(settings = {}, virtualServers: object[] = []) {
  const made = await DispatchWorld.open(
    slugs.map((slug) => remoteServer(slug)),
    { virtualServers: virtualServers as never, defaultEndpoint: { public: true } },
    settings,
  );
  worlds.push(made);
  made.connector.respond = lists({ a: ['a1', 'a2'], b: ['b1'], c: ['c1'] });
  return made;
}

/** Servers that list tools of these names. */
const lists =
  (tools: Record<string, string[]>): Respond =>
  (_sent, { server: { slug } }) =>
    result({ tools: (tools[slug] ?? []).map((name) => ({ name })) });

const NEVER_ANSWERED = new Promise<Outcome>(() => undefined);

const named = (outcome: Outcome) => {
  if (outcome.kind === 'error') throw new Error(outcome.error.message);
  return (outcome.result['tools'] as { name: string }[]).map(({ name }) => name);
};

const warnings = (outcome: Outcome) =>
  outcome.kind === 'result' ? (outcome.result['_meta'] as JsonObject | undefined)?.['isthmus/warnings'] : undefined;

beforeEach(() => {
  Logger.overrideLogger(false);
});

afterEach(async () => {
  jest.useRealTimers();
  for (const made of worlds.splice(0)) await made.close();
});

describe('a list of several servers', () => {
  it('has the items of all of them, in configuration order, under public names', async () => {
    const { request } = await bound();
    expect(named(await request('tools/list'))).toEqual(['c__c1', 'a__a1', 'a__a2', 'b__b1']);
  });

  it('is in the same order however long each of them takes', async () => {
    const { made, request } = await bound();
    const first = Promise.withResolvers<Outcome>();
    const all = made.connector.respond;
    made.connector.respond = (sent, connection) =>
      connection.server.slug === 'c' ? first.promise : all(sent, connection);
    const listing = request('tools/list');
    await new Promise(setImmediate);
    first.resolve(result({ tools: [{ name: 'late' }] }));
    expect(named(await listing)).toEqual(['c__late', 'a__a1', 'a__a2', 'b__b1']);
  });

  it('has all pages of each server', async () => {
    const { made, request } = await bound();
    made.connector.respond = ({ request: { params } }) => {
      const page = Number(params['cursor'] ?? 0);
      return result({ tools: [{ name: `t${page}` }], ...(page < 2 && { nextCursor: String(page + 1) }) });
    };
    expect(named(await request('tools/list')).slice(0, 3)).toEqual(['c__t0', 'c__t1', 'c__t2']);
  });

  it('shows what the virtual server chose, in its order', async () => {
    const virtual = { slug: 'desk', public: false, servers: ['b', 'a'], tools: ['a__a2', 'b__*'] };
    const { request } = await bound({}, [virtual]);
    expect(named(await request('tools/list', {}, { endpoint: 'desk' }))).toEqual(['b__b1', 'a__a2']);
  });

  it('is empty, and no failure, where there is no server', async () => {
    const made = await DispatchWorld.open([]);
    worlds.push(made);
    expect(await made.request('tools/list')).toEqual(result({ tools: [] }));
  });
});

describe('a server that fails', () => {
  it('costs its own items and a warning', async () => {
    const { made, request } = await bound();
    made.connector.beforeOpening = async ({ slug }) => {
      if (slug === 'a') throw new OutcomeError(unreachable('a'));
    };
    const outcome = await request('tools/list');
    expect(named(outcome)).toEqual(['c__c1', 'b__b1']);
    expect(warnings(outcome)).toEqual([{ server: 'a', code: -31004, message: 'Upstream could not be reached' }]);
  });

  it.each<[string, Respond]>([
    ['with an error', () => ({ kind: 'error', error: { code: -32603, message: 'no' } })],
    ['without a list', () => result({})],
    ['with a list that is none', () => result({ tools: { name: 'x' } })],
    ['with a list without end', () => result({ tools: [{ name: 'x' }], nextCursor: 'same' })],
    [
      'with ever new pages',
      ({ request: { params } }) => result({ tools: [], nextCursor: `${Number(params['cursor'] ?? 0) + 1}` }),
    ],
    [
      'with more than anybody can use',
      () => result({ tools: Array.from({ length: 50_001 }, () => null), nextCursor: 'a' }),
    ],
  ])('%s is told of in a warning, never as an empty list', async (_name, respond) => {
    const { made, request } = await bound();
    const all = made.connector.respond;
    made.connector.respond = (sent, connection) => (connection.server.slug === 'b' ? respond : all)(sent, connection);
    const outcome = await request('tools/list');
    expect(named(outcome)).toEqual(['c__c1', 'a__a1', 'a__a2']);
    expect(warnings(outcome)).toMatchObject([{ server: 'b' }]);
  });

  it('takes nobody with it by items that are none', async () => {
    const { made, request } = await bound();
    const tools = [null, 'x', { name: { toString: 'x' } }, { name: 'ok', inputSchema: { type: 7 } }];
    const all = made.connector.respond;
    made.connector.respond = (sent, connection) =>
      connection.server.slug === 'b' ? result({ tools }) : all(sent, connection);
    expect(named(await request('tools/list')).at(-1)).toBe('b__ok');
  });

  it('fails the list where there is no other', async () => {
    const { made, request } = await bound();
    made.connector.beforeOpening = ({ slug }) => Promise.reject(new OutcomeError(unreachable(slug)));
    expect(await request('tools/list')).toMatchObject({
      kind: 'error',
      error: { code: -31004, data: { server: 'c' } },
    });
    const one = await request('tools/list', {}, { endpoint: 'a' });
    expect(one).toMatchObject({ kind: 'error', error: { code: -31004, data: { server: 'a' } } });
  });
});

describe('a server that does not answer', () => {
  it('is waited for once, then hardly; it has its time again after it answered', async () => {
    const { made, request } = await bound({ listPatienceMs: 3_000 });
    const all = made.connector.respond;
    const held: PromiseWithResolvers<Outcome>[] = [];
    made.connector.respond = (sent, connection) => {
      if (connection.server.slug !== 'b') return all(sent, connection);
      held.push(Promise.withResolvers());
      return held.at(-1)?.promise ?? NEVER_ANSWERED;
    };
    await request('tools/list', {}, { endpoint: 'a' });
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });

    const patient = request('tools/list');
    await jest.advanceTimersByTimeAsync(3_000);
    expect(warnings(await patient)).toMatchObject([{ server: 'b', code: -31002 }]);

    const hasty = request('tools/list');
    await jest.advanceTimersByTimeAsync(100);
    expect(named(await hasty)).toEqual(['c__c1', 'a__a1', 'a__a2']);

    held[0]?.resolve(result({ tools: [] }));
    await jest.advanceTimersByTimeAsync(0);
    const again = request('tools/list');
    await jest.advanceTimersByTimeAsync(2_000);
    held.at(-1)?.resolve(result({ tools: [{ name: 'back' }] }));
    expect(named(await again)).toContain('b__back');
  });

  it('has no more before it than a few lists', async () => {
    const { made, request } = await bound({ listPatienceMs: 50 });
    const all = made.connector.respond;
    made.connector.respond = (sent, connection) =>
      connection.server.slug === 'b' ? NEVER_ANSWERED : all(sent, connection);
    for (let count = 0; count < 12; count += 1) await request('tools/list');
    expect(made.asked('b')).toHaveLength(8);
    expect(made.asked('a')).toHaveLength(12);
  });
});

describe('the pages of a list of several servers', () => {
  it('have as many items as they may, and each item once', async () => {
    const { request } = await bound({ listPageSize: 3 });
    const first = await request('tools/list');
    expect(named(first)).toHaveLength(3);
    const { nextCursor } = (first as Extract<Outcome, { kind: 'result' }>).result;
    const second = await request('tools/list', { cursor: nextCursor! });
    expect([...named(first), ...named(second)]).toEqual(['c__c1', 'a__a1', 'a__a2', 'b__b1']);
    expect(second).not.toHaveProperty('result.nextCursor');
  });

  it.each([7, '', 'x', 'b2Zmc2V0Oi0x', Buffer.from('offset:1.5').toString('base64url'), null, {}])(
    'are refused for the cursor %j, which is not one of ours',
    async (cursor) => {
      const { request } = await bound();
      expect(await request('tools/list', { cursor: cursor as never })).toMatchObject({ error: { code: -32602 } });
    },
  );
});

describe('what a client may make of a list of several servers', () => {
  const hints: Record<string, JsonObject> = {
    a: { ttlMs: 3_000, cacheScope: 'public' },
    b: { ttlMs: 2_000, cacheScope: 'public' },
    c: { ttlMs: 1_000, cacheScope: 'public' },
  };

  async function hinting(more: Record<string, JsonObject> = {}, virtualServers: object[] = []) {
    const { made, request } = await bound({}, virtualServers);
    for (const slug of slugs) made.connector.eras.set(slug, 'modern');
    const all = made.connector.respond;
    made.connector.respond = async (sent, connection) => {
      const answer = await all(sent, connection);
      const own = { ...hints, ...more }[connection.server.slug];
      return answer.kind === 'result' ? result({ ...answer.result, ...own }) : answer;
    };
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
    const list = async (endpoint?: string) => {
      const { ttlMs, cacheScope } = (
        (await request('tools/list', {}, endpoint ? { endpoint } : {})) as Extract<Outcome, { kind: 'result' }>
      ).result;
      return { ttlMs, cacheScope };
    };
    return { made, list };
  }

  it('is no more than of each of them', async () => {
    const { list } = await hinting();
    expect(await list()).toEqual({ ttlMs: 1_000, cacheScope: 'public' });
  });

  it('is less when part of it has been known for a while', async () => {
    const { list } = await hinting({ c: { ttlMs: 2_500, cacheScope: 'public' } });
    await list();
    await jest.advanceTimersByTimeAsync(1_500);
    expect(await list()).toEqual({ ttlMs: 500, cacheScope: 'public' });
  });

  it('is private when part of it is', async () => {
    const { list } = await hinting({ b: { ttlMs: 2_000, cacheScope: 'private' } });
    expect(await list()).toEqual({ ttlMs: 1_000, cacheScope: 'private' });
  });

  it('is private where not all is shown', async () => {
    const desk = { slug: 'desk', public: true, servers: ['a', 'b'], tools: ['a__a2', 'b__*'] };
    const open = { slug: 'open', public: true, servers: ['a', 'b'], prompts: ['a__x'] };
    const { list } = await hinting({}, [desk, open]);
    expect(await list('desk')).toEqual({ ttlMs: 2_000, cacheScope: 'private' });
    expect(await list('open')).toEqual({ ttlMs: 2_000, cacheScope: 'public' });
  });

  it.each<[string, Record<string, JsonObject>]>([
    ['gives no hints', { b: {} }],
    ['is stale at once', { b: { ttlMs: 0, cacheScope: 'public' } }],
  ])('is nothing when one server %s', async (_what, more) => {
    const { list } = await hinting(more);
    expect(await list()).toEqual({});
  });

  it('is nothing when one server is missing, or is one of the legacy era', async () => {
    const { made, list } = await hinting();
    made.connector.beforeOpening = async ({ slug }) => {
      if (slug === 'a') throw new OutcomeError(unreachable('a'));
    };
    expect(await list()).toEqual({});
    const { made: old, list: listOld } = await hinting();
    old.connector.eras.set('b', 'legacy');
    expect(await listOld()).toEqual({});
  });
});

describe('a list of one server', () => {
  it('is that server’s own, page by page, word for word', async () => {
    const { made, request } = await bound();
    const answer = result({ tools: [{ name: 'x__y' }], nextCursor: 'theirs', ttlMs: 5 });
    made.connector.respond = () => answer;
    expect(await request('tools/list', { cursor: 'before' }, { endpoint: 'a' })).toBe(answer);
    expect(made.asked('a')).toEqual([['tools/list', { cursor: 'before' }]]);
  });
});

async function bound(settings = {}, virtualServers: object[] = []) {
  const made = await world(settings, virtualServers);
  return { made, request: made.request.bind(made) };
}
