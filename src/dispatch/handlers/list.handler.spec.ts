import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import { result, type JsonObject, type JsonValue, type Outcome } from '#lib/mcp-protocol';
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

const toTool = (name: string) => ({ name, inputSchema: { type: 'object' } });

/** Responds with the given tool names for each server. */
const lists =
  (tools: Record<string, string[]>): Respond =>
  (_sent, { server: { slug } }) =>
    result({ tools: (tools[slug] ?? []).map(toTool) });

const NEVER_ANSWERED = new Promise<Outcome>(() => undefined);

const toolNames = (outcome: Outcome) => {
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

describe('an aggregated list', () => {
  it('contains the items of all servers in configuration order, under public names', async () => {
    const { request } = await bound();
    expect(toolNames(await request('tools/list'))).toEqual(['c__c1', 'a__a1', 'a__a2', 'b__b1']);
  });

  it('keeps the configuration order when the first server answers last', async () => {
    const { made, request } = await bound();
    const first = Promise.withResolvers<Outcome>();
    const all = made.connector.respond;
    made.connector.respond = (sent, connection) =>
      connection.server.slug === 'c' ? first.promise : all(sent, connection);
    const listing = request('tools/list');
    await new Promise(setImmediate);
    first.resolve(result({ tools: [{ name: 'late' }] }));
    expect(toolNames(await listing)).toEqual(['c__late', 'a__a1', 'a__a2', 'b__b1']);
  });

  it('contains all pages of each server', async () => {
    const { made, request } = await bound();
    made.connector.respond = ({ request: { params } }) => {
      const page = Number(params['cursor'] ?? 0);
      return result({ tools: [{ name: `t${page}` }], ...(page < 2 && { nextCursor: String(page + 1) }) });
    };
    expect(toolNames(await request('tools/list')).slice(0, 3)).toEqual(['c__t0', 'c__t1', 'c__t2']);
  });

  it('contains the items that the virtual server selects, in the order of its servers', async () => {
    const virtual = { slug: 'desk', public: false, servers: ['b', 'a'], tools: ['a__a2', 'b__*'] };
    const { request } = await bound({}, [virtual]);
    expect(toolNames(await request('tools/list', {}, { endpoint: 'desk' }))).toEqual(['b__b1', 'a__a2']);
  });

  it('is empty and no error when the endpoint has no servers', async () => {
    const made = await DispatchWorld.open([]);
    worlds.push(made);
    expect(await made.request('tools/list')).toEqual(result({ tools: [] }));
  });
});

describe('an aggregated list with a failing server', () => {
  it('omits the items of an unreachable server and adds a warning', async () => {
    const { made, request } = await bound();
    made.connector.beforeOpening = async ({ slug }) => {
      if (slug === 'a') throw new OutcomeError(unreachable('a'));
    };
    const outcome = await request('tools/list');
    expect(toolNames(outcome)).toEqual(['c__c1', 'b__b1']);
    expect(warnings(outcome)).toEqual([{ server: 'a', code: -31004, message: 'Upstream could not be reached' }]);
  });

  it.each<[string, Respond]>([
    ['an error', () => ({ kind: 'error', error: { code: -32603, message: 'no' } })],
    ['no list member', () => result({})],
    ['a list member that is no array', () => result({ tools: { name: 'x' } })],
    [
      'a new page without end',
      ({ request: { params } }) => result({ tools: [], nextCursor: `${Number(params['cursor'] ?? 0) + 1}` }),
    ],
    [
      'more than 50,000 items',
      () => result({ tools: Array.from({ length: 50_001 }, (_, index) => toTool(`t${index}`)), nextCursor: 'a' }),
    ],
  ])(
    'adds a warning for a server that answers with %s, and does not treat it as an empty list',
    async (_name, respond) => {
      const { made, request } = await bound();
      const all = made.connector.respond;
      made.connector.respond = (sent, connection) => (connection.server.slug === 'b' ? respond : all)(sent, connection);
      const outcome = await request('tools/list');
      expect(toolNames(outcome)).toEqual(['c__c1', 'a__a1', 'a__a2']);
      expect(warnings(outcome)).toMatchObject([{ server: 'b' }]);
    },
  );

  it.each<[string, (cursor: JsonValue | undefined) => JsonObject, string[], number]>([
    ['is always the same page', () => ({ tools: [toTool('x')], nextCursor: 'same' }), ['b__x'], 1],
    ['ends with an empty cursor', () => ({ tools: [toTool('x')], nextCursor: '' }), ['b__x'], 1],
    [
      'continues after an empty cursor',
      (cursor) => (cursor === undefined ? { tools: [toTool('x')], nextCursor: '' } : { tools: [toTool('y')] }),
      ['b__x', 'b__y'],
      0,
    ],
    [
      'continues after an empty page',
      (cursor) => (cursor === undefined ? { tools: [], nextCursor: 'y' } : { tools: [toTool('y')] }),
      ['b__y'],
      0,
    ],
    [
      'goes round in a circle',
      (cursor) => ({
        tools: [toTool(typeof cursor === 'string' ? cursor : 'x')],
        nextCursor: cursor === 'y' ? 'z' : 'y',
      }),
      ['b__x', 'b__y', 'b__z'],
      1,
    ],
    ['has a cursor of another type', () => ({ tools: [toTool('x')], nextCursor: 2 }), ['b__x'], 1],
    ['has null as its last cursor', () => ({ tools: [toTool('x')], nextCursor: null }), ['b__x'], 0],
  ])('keeps once what a server lists whose list %s', async (_what, list, names, warned) => {
    const { made, request } = await bound();
    const all = made.connector.respond;
    made.connector.respond = (sent, connection) =>
      connection.server.slug === 'b' ? result(list(sent.request.params['cursor'])) : all(sent, connection);
    const outcome = await request('tools/list');
    expect(toolNames(outcome).slice(3)).toEqual(names);
    expect(warnings(outcome) ?? []).toHaveLength(warned);
    expect(made.requestsTo('b').length).toBeLessThan(5);
  });

  it('keeps what a server lists that refuses the empty cursor with which its list ends', async () => {
    const { made, request } = await bound();
    const all = made.connector.respond;
    const refusal: Outcome = { kind: 'error', error: { code: -32_602, message: 'Invalid cursor' } };
    made.connector.respond = (sent, connection) => {
      if (connection.server.slug !== 'b') return all(sent, connection);
      return sent.request.params['cursor'] === '' ? refusal : result({ tools: [toTool('x')], nextCursor: '' });
    };
    const outcome = await request('tools/list');
    expect(toolNames(outcome)).toContain('b__x');
    expect(warnings(outcome)).toMatchObject([
      { server: 'b', message: 'tools/list ends early: its last cursor is empty.' },
    ]);
  });

  it('skips malformed items and keeps the valid ones', async () => {
    const { made, request } = await bound();
    const tools: JsonValue[] = [
      null,
      'x',
      { name: { toString: 'x' } },
      { name: 'bad', inputSchema: { type: 7 } },
      { name: 'ok' },
    ];
    const all = made.connector.respond;
    made.connector.respond = (sent, connection) =>
      connection.server.slug === 'b' ? result({ tools }) : all(sent, connection);
    expect(toolNames(await request('tools/list')).at(-1)).toBe('b__ok');
  });

  it('fails when every server of the endpoint fails', async () => {
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

describe('an aggregated list with an unresponsive server', () => {
  it('waits for an unresponsive server once, then briefly, and in full again after it has answered', async () => {
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

    const firstList = request('tools/list');
    await jest.advanceTimersByTimeAsync(3_000);
    expect(warnings(await firstList)).toMatchObject([{ server: 'b', code: -31002 }]);

    const secondList = request('tools/list');
    await jest.advanceTimersByTimeAsync(100);
    expect(toolNames(await secondList)).toEqual(['c__c1', 'a__a1', 'a__a2']);

    held[0]?.resolve(result({ tools: [] }));
    await jest.advanceTimersByTimeAsync(0);
    const again = request('tools/list');
    await jest.advanceTimersByTimeAsync(2_000);
    held.at(-1)?.resolve(result({ tools: [{ name: 'back' }] }));
    expect(toolNames(await again)).toContain('b__back');
  });

  it('sends at most eight concurrent list requests to an unresponsive server', async () => {
    const { made, request } = await bound({ listPatienceMs: 50 });
    const all = made.connector.respond;
    made.connector.respond = (sent, connection) =>
      connection.server.slug === 'b' ? NEVER_ANSWERED : all(sent, connection);
    for (let count = 0; count < 12; count += 1) await request('tools/list');
    expect(made.requestsTo('b')).toHaveLength(8);
    expect(made.requestsTo('a')).toHaveLength(12);
  });
});

describe('pagination of an aggregated list', () => {
  it('returns at most the configured number of items a page, and each item once', async () => {
    const { request } = await bound({ listPageSize: 3 });
    const first = await request('tools/list');
    expect(toolNames(first)).toHaveLength(3);
    const { nextCursor } = (first as Extract<Outcome, { kind: 'result' }>).result;
    const second = await request('tools/list', { cursor: nextCursor! });
    expect([...toolNames(first), ...toolNames(second)]).toEqual(['c__c1', 'a__a1', 'a__a2', 'b__b1']);
    expect(second).not.toHaveProperty('result.nextCursor');
  });

  it.each([7, '', 'x', 'b2Zmc2V0Oi0x', Buffer.from('offset:1.5').toString('base64url'), null, {}])(
    'rejects the cursor %j, which the gateway did not issue',
    async (cursor) => {
      const { request } = await bound();
      expect(await request('tools/list', { cursor: cursor as never })).toMatchObject({ error: { code: -32602 } });
    },
  );
});

describe('cache hints of an aggregated list', () => {
  const hints: Record<string, JsonObject> = {
    a: { ttlMs: 3_000, cacheScope: 'public' },
    b: { ttlMs: 2_000, cacheScope: 'public' },
    c: { ttlMs: 1_000, cacheScope: 'public' },
  };

  async function worldWithHints(more: Record<string, JsonObject> = {}, virtualServers: object[] = []) {
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

  it('reports the shortest lifetime among its parts', async () => {
    const { list } = await worldWithHints();
    expect(await list()).toEqual({ ttlMs: 1_000, cacheScope: 'public' });
  });

  it('reports the remaining lifetime of a cached part', async () => {
    const { list } = await worldWithHints({ c: { ttlMs: 2_500, cacheScope: 'public' } });
    await list();
    await jest.advanceTimersByTimeAsync(1_500);
    expect(await list()).toEqual({ ttlMs: 500, cacheScope: 'public' });
  });

  it('is private when one part is private', async () => {
    const { list } = await worldWithHints({ b: { ttlMs: 2_000, cacheScope: 'private' } });
    expect(await list()).toEqual({ ttlMs: 1_000, cacheScope: 'private' });
  });

  it('is private when the virtual server selects among the listed items', async () => {
    const desk = { slug: 'desk', public: true, servers: ['a', 'b'], tools: ['a__a2', 'b__*'] };
    const open = { slug: 'open', public: true, servers: ['a', 'b'], prompts: ['a__x'] };
    const { list } = await worldWithHints({}, [desk, open]);
    expect(await list('desk')).toEqual({ ttlMs: 2_000, cacheScope: 'private' });
    expect(await list('open')).toEqual({ ttlMs: 2_000, cacheScope: 'public' });
  });

  it.each<[string, Record<string, JsonObject>]>([
    ['sends no cache hints', { b: {} }],
    ['sends a lifetime of zero', { b: { ttlMs: 0, cacheScope: 'public' } }],
  ])('has no cache hints when one server %s', async (_what, more) => {
    const { list } = await worldWithHints(more);
    expect(await list()).toEqual({});
  });

  it('has no cache hints when one server is unreachable or legacy', async () => {
    const { made, list } = await worldWithHints();
    made.connector.beforeOpening = async ({ slug }) => {
      if (slug === 'a') throw new OutcomeError(unreachable('a'));
    };
    expect(await list()).toEqual({});
    const { made: old, list: listOld } = await worldWithHints();
    old.connector.eras.set('b', 'legacy');
    expect(await listOld()).toEqual({});
  });
});

describe('a list at a transparent endpoint', () => {
  it('passes a server’s page and cursor through unchanged', async () => {
    const { made, request } = await bound();
    const answer = result({ tools: [toTool('x__y')], nextCursor: 'theirs', ttlMs: 5 });
    made.connector.respond = () => answer;
    expect(await request('tools/list', { cursor: 'before' }, { endpoint: 'a' })).toEqual({
      ...answer,
      serverEra: 'legacy',
    });
    expect(made.requestsTo('a')).toEqual([['tools/list', { cursor: 'before' }]]);
  });
});

async function bound(settings = {}, virtualServers: object[] = []) {
  const made = await world(settings, virtualServers);
  return { made, request: made.request.bind(made) };
}

describe('a list at the endpoint of one server', () => {
  it.each([
    ['modern', 'does not answer'],
    ['legacy', 'does not answer'],
    ['legacy', 'does not open its connection'],
    ['modern', 'does not show its era'],
  ] as const)('waits no longer than an aggregated one for a %s server that %s', async (era, fault) => {
    const made = await world({ listTimeoutMs: 60 });
    const { connector } = made;
    const never = () => new Promise<void>(() => undefined);
    connector.eras.set('a', era);
    connector.respond = () => NEVER_ANSWERED;
    if (fault === 'does not open its connection') connector.beforeOpening = never;
    if (fault === 'does not show its era') connector.beforeProbing = never;
    const timedOut = { error: { code: -31_002, data: { retriable: true, server: 'a' } }, httpStatus: 504 };
    expect(await made.request('tools/list', {}, { endpoint: 'a' })).toMatchObject(timedOut);
    const session = made.session('a');
    expect(await made.request('tools/list', {}, { endpoint: 'a', session })).toMatchObject(timedOut);
    for (const { sent } of connector.opened) for (const { signal } of sent) expect(signal.aborted).toBe(true);
  });
});
