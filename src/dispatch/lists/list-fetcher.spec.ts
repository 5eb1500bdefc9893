import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { callerOf, MODERN_CLIENT, settled } from '../../../test/support/fake-upstream.js';
import { closeWorlds, listFetcherWorld as world, MINE, toToolNames, THEIRS, toResult } from './list-fetcher-fixture.js';

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
});

afterEach(async () => {
  await closeWorlds();
  jest.useRealTimers();
});

describe('a cached list of a modern server', () => {
  it('returns a cached list with its remaining lifetime until it expires', async () => {
    const { list, requestCount } = await world();
    expect(toResult(await list())).toMatchObject({ tools: [{ name: 't1' }], ttlMs: 10_000, cacheScope: 'public' });
    await jest.advanceTimersByTimeAsync(4_000);
    expect(toResult(await list())).toMatchObject({ tools: [{ name: 't1' }], ttlMs: 6_000, cacheScope: 'public' });
    await jest.advanceTimersByTimeAsync(6_000);
    expect(toToolNames(await list())).toBe('t2');
    expect(requestCount()).toBe(2);
  });

  it('sends one request for concurrent requests of several callers', async () => {
    const { list, requestCount } = await world();
    const callers = [MINE, THEIRS, MINE, callerOf('she')];
    expect((await Promise.all(callers.map((caller) => list({ caller })))).map(toToolNames)).toEqual([
      't1',
      't1',
      't1',
      't1',
    ]);
    expect(requestCount()).toBe(1);
  });

  it('caches each page of a list separately', async () => {
    const { list, requestCount } = await world();
    for (const cursor of ['2', '3', '2']) await list({ params: { cursor } });
    await list();
    await list();
    expect(requestCount()).toBe(3);
  });

  it('caches separately per declared capabilities', async () => {
    const { list, requestCount } = await world();
    const client = (capabilities: JsonObject) => ({ client: { ...MODERN_CLIENT, capabilities } });
    for (const capabilities of [{}, { roots: {} }, {}, { roots: {} }]) await list(client(capabilities));
    expect(requestCount()).toBe(2);
  });

  it('returns a cached list to a legacy session without cache hints, and renews the session', async () => {
    const { made, list, requestCount } = await world();
    await list();
    const session = made.session('a');
    const touch = jest.spyOn(session, 'touch');
    expect(toToolNames(await list({ session }))).toBe('t1');
    expect([requestCount(), touch.mock.calls.length]).toEqual([1, 1]);
  });

  it('forwards a list request to the owner of a session that lives at another worker', async () => {
    const { made, list } = await world();
    await list();
    const session = Object.assign(made.session('a'), { location: 'remote' as const });
    const call = jest.spyOn(session, 'call');
    await list({ session });
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('caches a list for at most an hour', async () => {
    const { list, requestCount } = await world({ ttlMs: Number.MAX_SAFE_INTEGER, cacheScope: 'public' });
    await list();
    await jest.advanceTimersByTimeAsync(1);
    expect(toResult(await list())['ttlMs']).toBe(3_600_000 - 1);
    await jest.advanceTimersByTimeAsync(3_600_000);
    await list();
    expect(requestCount()).toBe(2);
  });

  it.each([undefined, 0, -1, 1.5, '10000', null, Number.NaN])(
    'does not cache a list with the invalid ttlMs %p',
    async (ttlMs) => {
      const { list, requestCount } = await world({
        ...(ttlMs !== undefined && { ttlMs: ttlMs as never }),
        cacheScope: 'public',
      });
      await list();
      await list();
      expect(requestCount()).toBe(2);
    },
  );

  it('fetches a list for each request when the cache is disabled', async () => {
    const { list, requestCount } = await world(undefined, { listCacheBytes: 0 });
    await Promise.all([list(), list()]);
    await list();
    expect(requestCount()).toBe(3);
  });
});

describe('a private list', () => {
  it.each(['private', 'PUBLIC', undefined, 7])('with cacheScope %p is cached per principal', async (cacheScope) => {
    const { list, requestCount } = await world({ ttlMs: 10_000, ...(cacheScope !== undefined && { cacheScope }) });
    expect([toToolNames(await list()), toToolNames(await list({ caller: THEIRS })), toToolNames(await list())]).toEqual(
      ['t1', 't2', 't1'],
    );
    expect(toResult(await list())['cacheScope']).toBe('private');
    expect(requestCount()).toBe(2);
  });

  it('is cached per token of one principal', async () => {
    const { list, requestCount } = await world({ ttlMs: 10_000, cacheScope: 'private' });
    const tokens: Partial<Caller>[] = [{}, { scopes: ['more'] }, { claims: { tenant: 'x' } }, { roles: ['admin'] }];
    for (const token of [...tokens, ...tokens]) await list({ caller: { ...MINE, ...token } });
    expect(requestCount()).toBe(tokens.length);
  });

  it('is not shared between concurrent requests of different principals', async () => {
    const { list, requestCount } = await world({ ttlMs: 10_000, cacheScope: 'private' });
    const callers = [MINE, THEIRS, MINE, THEIRS];
    const shown = (await Promise.all(callers.map((caller) => list({ caller })))).map(toToolNames);
    expect([shown[0], shown[1]]).toEqual([shown[2], shown[3]]);
    expect(shown[0]).not.toBe(shown[1]);
    expect(requestCount()).toBe(2);
  });

  it('does not delay requests of other principals once it is known to be private', async () => {
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

describe('uncacheable list requests', () => {
  it.each<[string, JsonObject]>([
    ['input responses', { inputResponses: {} }],
    ['a request state', { requestState: 'sealed' }],
    ['an unknown parameter', { filter: 'x' }],
    ['an unknown _meta key', { _meta: { 'acme/tenant': 'x' } }],
    ['a cursor that is no string', { cursor: 7 }],
    ['a cursor above the maximum length', { cursor: 'x'.repeat(1_025) }],
  ])('does not cache the list for a request with %s', async (_what, params) => {
    const { list, requestCount } = await world();
    await list({ params });
    await list({ params });
    expect(requestCount()).toBe(2);
  });

  it('returns the cached list to requests that differ only in their trace context', async () => {
    const { list, requestCount } = await world();
    for (const traceparent of ['1', '2']) await list({ params: { _meta: { traceparent } } });
    expect(requestCount()).toBe(1);
  });

  it('does not cache an error, and returns it to all concurrent requests of the caller', async () => {
    const { connector, list, requestCount } = await world();
    const fine = connector.respond;
    connector.respond = () => ({ kind: 'error', error: { code: 7, message: 'no' } });
    const outcomes = await Promise.all([list(), list()]);
    expect(outcomes).toMatchObject([{ error: { code: 7 } }, { error: { code: 7 } }]);
    connector.respond = fine;
    expect(toToolNames(await list())).toBe('t2');
    expect(requestCount()).toBe(2);
  });

  it('does not cache or share a result that requires input of the client', async () => {
    const { connector, list, requestCount } = await world();
    const question = { resultType: 'input_required', inputRequests: {}, ttlMs: 10_000, cacheScope: 'public' };
    connector.respond = () => result(question);
    expect(await Promise.all([list(), list({ caller: THEIRS })])).toMatchObject([result(question), result(question)]);
    expect(requestCount()).toBeGreaterThan(1);
    await list();
    expect(requestCount()).toBeGreaterThan(2);
  });

  it('invalidates the cached pages that lead to a cursor which the server rejects', async () => {
    const { connector, state, list, requestCount } = await world({
      ttlMs: 10_000,
      cacheScope: 'public',
      nextCursor: '2',
    });
    const fine = connector.respond;
    await list();
    connector.respond = () => ({ kind: 'error', error: { code: -32_602, message: 'Unknown cursor' } });
    await list({ params: { cursor: '2' } });
    connector.respond = fine;
    state.hints = {};
    expect(toToolNames(await list())).toBe('t3');
    expect(requestCount()).toBe(3);
  });
});

describe('a list request with a log level', () => {
  it('is sent separately, and is answered from the cache when possible', async () => {
    const { connector, list, requestCount } = await world();
    await Promise.all([list({ logLevel: 'debug' }), list({ logLevel: 'debug' })]);
    expect(requestCount()).toBe(2);
    expect(connector.opened[0]?.sent.map(({ request }) => request.logLevel)).toEqual(['debug', 'debug']);
    await list({ logLevel: 'debug' });
    await list();
    expect(requestCount()).toBe(2);
  });
});

describe('a disconnect during a shared list request', () => {
  it('does not cancel the request while other callers wait for it', async () => {
    const { connector, list, requestCount } = await world();
    const listing = Promise.withResolvers<Outcome>();
    connector.respond = () => listing.promise;
    const leaving = new AbortController();
    const [mine, theirs] = [list({ signal: leaving.signal }), list({ caller: THEIRS })];
    await settled();
    leaving.abort();
    expect(await mine).toMatchObject({ error: { code: -31_002 } });
    listing.resolve(result({ tools: [{ name: 'x' }], ttlMs: 10_000, cacheScope: 'public' }));
    expect([toToolNames(await theirs), requestCount()]).toEqual(['x', 1]);
  });

  it('cancels the request at the server when the last caller disconnects, and a later caller starts a new one', async () => {
    const { connector, list, requestCount } = await world();
    const fine = connector.respond;
    connector.respond = () => new Promise<Outcome>(() => undefined);
    const leaving = new AbortController();
    const waiting = [MINE, THEIRS].map((caller) => list({ caller, signal: leaving.signal }));
    await settled();
    leaving.abort();
    await Promise.all(waiting);
    expect(connector.opened[0]?.sent.map(({ signal }) => signal.aborted)).toEqual([true]);
    connector.respond = fine;
    expect([toToolNames(await list()), requestCount()]).toEqual(['t2', 2]);
  });
});
