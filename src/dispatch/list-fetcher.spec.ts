import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { callerOf, MODERN_CLIENT, settled } from '../../test/support/fake-upstream.js';
import { closeWorlds, listFetcherWorld as world, MINE, toToolNames, THEIRS, toResult } from './list-fetcher-fixture.js';

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
});

afterEach(async () => {
  await closeWorlds();
  jest.useRealTimers();
});

describe('a list of a modern server', () => {
  it('is asked for once as long as it is fresh, and says how long that still is', async () => {
    const { list, asked } = await world();
    expect(toResult(await list())).toEqual({ tools: [{ name: 't1' }], ttlMs: 10_000, cacheScope: 'public' });
    await jest.advanceTimersByTimeAsync(4_000);
    expect(toResult(await list())).toEqual({ tools: [{ name: 't1' }], ttlMs: 6_000, cacheScope: 'public' });
    await jest.advanceTimersByTimeAsync(6_000);
    expect(toToolNames(await list())).toBe('t2');
    expect(asked()).toBe(2);
  });

  it('is asked for once by all who ask at the same moment', async () => {
    const { list, asked } = await world();
    const callers = [MINE, THEIRS, MINE, callerOf('she')];
    expect((await Promise.all(callers.map((caller) => list({ caller })))).map(toToolNames)).toEqual([
      't1',
      't1',
      't1',
      't1',
    ]);
    expect(asked()).toBe(1);
  });

  it('is asked for page by page', async () => {
    const { list, asked } = await world();
    for (const cursor of ['2', '3', '2']) await list({ params: { cursor } });
    await list();
    await list();
    expect(asked()).toBe(3);
  });

  it('is another one for a client that declares something else', async () => {
    const { list, asked } = await world();
    const client = (capabilities: JsonObject) => ({ client: { ...MODERN_CLIENT, capabilities } });
    for (const capabilities of [{}, { roots: {} }, {}, { roots: {} }]) await list(client(capabilities));
    expect(asked()).toBe(2);
  });

  it('is shown to legacy clients too, without what they do not know', async () => {
    const { made, list, asked } = await world();
    await list();
    const session = made.session('a');
    const touch = jest.spyOn(session, 'touch');
    expect(toToolNames(await list({ session }))).toBe('t1');
    expect([asked(), touch.mock.calls.length]).toEqual([1, 1]);
  });

  it('is asked of the owner by a worker that does not know what its session declared', async () => {
    const { made, list } = await world();
    await list();
    const session = Object.assign(made.session('a'), { location: 'elsewhere' as const });
    const call = jest.spyOn(session, 'call');
    await list({ session });
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('is fresh for no longer than an hour', async () => {
    const { list, asked } = await world({ ttlMs: Number.MAX_SAFE_INTEGER, cacheScope: 'public' });
    await list();
    await jest.advanceTimersByTimeAsync(1);
    expect(toResult(await list())['ttlMs']).toBe(3_600_000 - 1);
    await jest.advanceTimersByTimeAsync(3_600_000);
    await list();
    expect(asked()).toBe(2);
  });

  it.each([undefined, 0, -1, 1.5, '10000', null, Number.NaN])('with ttlMs %p is asked for each time', async (ttlMs) => {
    const { list, asked } = await world({
      ...(ttlMs !== undefined && { ttlMs: ttlMs as never }),
      cacheScope: 'public',
    });
    await list();
    await list();
    expect(asked()).toBe(2);
  });

  it('is asked for each time where nothing may be remembered', async () => {
    const { list, asked } = await world(undefined, { listCacheBytes: 0 });
    await Promise.all([list(), list()]);
    await list();
    expect(asked()).toBe(3);
  });
});

describe('what is private', () => {
  it.each(['private', 'PUBLIC', undefined, 7])('by cacheScope %p crosses no principals', async (cacheScope) => {
    const { list, asked } = await world({ ttlMs: 10_000, ...(cacheScope !== undefined && { cacheScope }) });
    expect([toToolNames(await list()), toToolNames(await list({ caller: THEIRS })), toToolNames(await list())]).toEqual(
      ['t1', 't2', 't1'],
    );
    expect(toResult(await list())['cacheScope']).toBe('private');
    expect(asked()).toBe(2);
  });

  it('is another one for another token of the same principal', async () => {
    const { list, asked } = await world({ ttlMs: 10_000, cacheScope: 'private' });
    const tokens: Partial<Caller>[] = [{}, { scopes: ['more'] }, { claims: { tenant: 'x' } }, { roles: ['admin'] }];
    for (const token of [...tokens, ...tokens]) await list({ caller: { ...MINE, ...token } });
    expect(asked()).toBe(tokens.length);
  });

  it('is nobody else’s, even of those who ask at the same moment', async () => {
    const { list, asked } = await world({ ttlMs: 10_000, cacheScope: 'private' });
    const callers = [MINE, THEIRS, MINE, THEIRS];
    const shown = (await Promise.all(callers.map((caller) => list({ caller })))).map(toToolNames);
    expect([shown[0], shown[1]]).toEqual([shown[2], shown[3]]);
    expect(shown[0]).not.toBe(shown[1]);
    expect(asked()).toBe(2);
  });

  it('is waited for by nobody else once it is known to be', async () => {
    const { connector, list } = await world({ ttlMs: 10_000, cacheScope: 'private' });
    await list();
    connector.respond = ({ request }) =>
      request.params['cursor'] ? new Promise<Outcome>(() => undefined) : result({ tools: [{ name: 'mine' }] });
    void list({ params: { cursor: '2' } });
    await settled();
    connector.respond = () => result({ tools: [{ name: 'theirs' }] });
    expect(toToolNames(await list({ caller: THEIRS, params: { cursor: '2' } }))).toBe('theirs');
  });
});

describe('nothing is remembered', () => {
  it.each<[string, JsonObject]>([
    ['that depends on answers of the client', { inputResponses: {} }],
    ['that depends on the state of a question', { requestState: 'sealed' }],
    ['that was asked for with what only the server understands', { filter: 'x' }],
    ['that was asked for with what only the server understands, in _meta', { _meta: { 'acme/tenant': 'x' } }],
    ['with a cursor that is none', { cursor: 7 }],
    ['with a cursor as long as a book', { cursor: 'x'.repeat(1_025) }],
  ])('%s', async (_what, params) => {
    const { list, asked } = await world();
    await list({ params });
    await list({ params });
    expect(asked()).toBe(2);
  });

  it('but what differs by its trace only is the same', async () => {
    const { list, asked } = await world();
    for (const traceparent of ['1', '2']) await list({ params: { _meta: { traceparent } } });
    expect(asked()).toBe(1);
  });

  it('of errors; they are told to all of a caller’s who asked at the same moment', async () => {
    const { connector, list, asked } = await world();
    const fine = connector.respond;
    connector.respond = () => ({ kind: 'error', error: { code: 7, message: 'no' } });
    const outcomes = await Promise.all([list(), list()]);
    expect(outcomes).toMatchObject([{ error: { code: 7 } }, { error: { code: 7 } }]);
    connector.respond = fine;
    expect(toToolNames(await list())).toBe('t2');
    expect(asked()).toBe(2);
  });

  it('of questions: each client answers for itself', async () => {
    const { connector, list, asked } = await world();
    const question = { resultType: 'input_required', inputRequests: {}, ttlMs: 10_000, cacheScope: 'public' };
    connector.respond = () => result(question);
    expect(await Promise.all([list(), list({ caller: THEIRS })])).toEqual([result(question), result(question)]);
    expect(asked()).toBeGreaterThan(1);
    await list();
    expect(asked()).toBeGreaterThan(2);
  });

  it('of a page that the server does not know any more, nor of those that lead there', async () => {
    const { connector, state, list, asked } = await world({ ttlMs: 10_000, cacheScope: 'public', nextCursor: '2' });
    const fine = connector.respond;
    await list();
    connector.respond = () => ({ kind: 'error', error: { code: -32_602, message: 'Unknown cursor' } });
    await list({ params: { cursor: '2' } });
    connector.respond = fine;
    state.hints = {};
    expect(toToolNames(await list())).toBe('t3');
    expect(asked()).toBe(3);
  });
});

describe('a request that wants to hear how it goes', () => {
  it('has a way of its own, and is answered from what is known all the same', async () => {
    const { connector, list, asked } = await world();
    await Promise.all([list({ logLevel: 'debug' }), list({ logLevel: 'debug' })]);
    expect(asked()).toBe(2);
    expect(connector.opened[0]?.sent.map(({ request }) => request.logLevel)).toEqual(['debug', 'debug']);
    await list({ logLevel: 'debug' });
    await list();
    expect(asked()).toBe(2);
  });
});

describe('a client that leaves', () => {
  it('takes the list from nobody who waits for it too', async () => {
    const { connector, list, asked } = await world();
    const listing = Promise.withResolvers<Outcome>();
    connector.respond = () => listing.promise;
    const leaving = new AbortController();
    const [mine, theirs] = [list({ signal: leaving.signal }), list({ caller: THEIRS })];
    await settled();
    leaving.abort();
    expect(await mine).toMatchObject({ error: { code: -31_002 } });
    listing.resolve(result({ tools: [{ name: 'x' }], ttlMs: 10_000, cacheScope: 'public' }));
    expect([toToolNames(await theirs), asked()]).toEqual(['x', 1]);
  });

  it('as the last one who waits cancels it at the server, and whoever comes then begins anew', async () => {
    const { connector, list, asked } = await world();
    const fine = connector.respond;
    connector.respond = () => new Promise<Outcome>(() => undefined);
    const leaving = new AbortController();
    const waiting = [MINE, THEIRS].map((caller) => list({ caller, signal: leaving.signal }));
    await settled();
    leaving.abort();
    await Promise.all(waiting);
    expect(connector.opened[0]?.sent.map(({ signal }) => signal.aborted)).toEqual([true]);
    connector.respond = fine;
    expect([toToolNames(await list()), asked()]).toEqual(['t2', 2]);
  });
});
