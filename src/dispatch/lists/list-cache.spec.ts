import { beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { FakeRegistry, remoteServer } from '../../../test/support/fake-upstream.js';
import { DispatchConfig } from '../dispatch.config.js';
import { ListCache, type ListPage } from './list-cache.js';

const A = remoteServer('a');
const B = remoteServer('b');
const TOOLS: JsonObject = { tools: [{ name: 'x' }] };
const SIZE = JSON.stringify(TOOLS).length + 1_024;

function world(listCacheBytes = 1_048_576) {
  const registry = new FakeRegistry([A, B]);
  const cache = new ListCache(Object.assign(new DispatchConfig(), { listCacheBytes }), registry, clock);
  const page = (more: Partial<ListPage> = {}): ListPage => ({
    server: A,
    method: 'tools/list',
    capabilities: {},
    context: 'mine',
    ...more,
  });
  const store = (
    of: ListPage,
    { isPublic = true, sequence = cache.nextSequence(), freshMs = 1_000, result = TOOLS } = {},
  ) => cache.store(of, { result, isPublic, sequence, expiresAt: clock.monotonicNow() + freshMs });
  return { registry, cache, page, store };
}

let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

describe('a cached page', () => {
  it('is found until it expires', async () => {
    const { cache, page, store } = world();
    store(page());
    await clock.advance(999);
    expect(cache.find(page())?.result).toBe(TOOLS);
    await clock.advance(1);
    expect(cache.find(page())).toBeUndefined();
  });

  it('is found in every authorization context when it is public, and only in its own when it is private', () => {
    const { cache, page, store } = world();
    store(page());
    store(page({ method: 'prompts/list' }), { isPublic: false });
    expect(cache.find(page({ context: 'theirs' }))?.isPublic).toBe(true);
    expect(cache.find(page({ method: 'prompts/list' }))?.isPublic).toBe(false);
    expect(cache.find(page({ method: 'prompts/list', context: 'theirs' }))).toBeUndefined();
  });

  it.each<[string, Partial<ListPage>]>([
    ['another page', { cursor: '2' }],
    ['another list', { method: 'prompts/list' }],
    ['another server', { server: B }],
    ['a client with other capabilities', { capabilities: { roots: {} } }],
    ['another definition of the server', { server: remoteServer('a', { headers: { authorization: 'other' } }) }],
  ])('is not returned for %s', (_what, more) => {
    const { cache, page, store } = world();
    store(page());
    expect(cache.find(page(more))).toBeUndefined();
  });

  it('is removed when its list is invalidated, while other lists stay', () => {
    const { cache, page, store } = world();
    const pages = [page(), page({ cursor: '2' }), page({ method: 'prompts/list' }), page({ server: B })];
    for (const each of pages) store(each);
    cache.invalidate('a', 'tools/list');
    expect(pages.map((each) => cache.find(each) !== undefined)).toEqual([false, false, true, true]);
  });

  it('is removed when the definition of its server changes', () => {
    const { registry, cache, page, store } = world();
    store(page());
    store(page({ server: B }));
    registry.configure([remoteServer('a', { url: 'http://elsewhere.example' }), B]);
    expect([cache.find(page()), cache.find(page({ server: B }))?.result]).toEqual([undefined, TOOLS]);
  });

  it('is removed with its list when the server rejects the cursor that it contains', () => {
    const { cache, page, store } = world();
    store(page(), { result: { ...TOOLS, nextCursor: '2' } });
    cache.invalidateCursor(page({ cursor: 'another' }));
    expect(cache.find(page())).toBeDefined();
    cache.invalidateCursor(page({ cursor: '2' }));
    expect(cache.find(page())).toBeUndefined();
  });
});

describe('a late page', () => {
  it('is not stored when its list was invalidated during the request', () => {
    const { cache, page, store } = world();
    const sequence = cache.nextSequence();
    cache.invalidate('a', 'tools/list');
    store(page(), { sequence });
    expect(cache.find(page())).toBeUndefined();
    store(page());
    expect(cache.find(page())).toBeDefined();
  });

  it('is not stored when the definition of its server changed during the request', () => {
    const { registry, cache, page, store } = world();
    const sequence = cache.nextSequence();
    const moved = remoteServer('a', { url: 'http://elsewhere.example' });
    registry.configure([moved, B]);
    store(page(), { sequence });
    expect([cache.find(page()), cache.find(page({ server: moved }))]).toEqual([undefined, undefined]);
  });
});

describe('the bounds of the list cache', () => {
  it('evict the least recently used page above the size limit', () => {
    const { cache, page, store } = world(4 * SIZE);
    const pages = ['1', '2', '3', '4', '5'].map((cursor) => page({ cursor }));
    for (const each of pages.slice(0, 4)) store(each);
    cache.find(page({ cursor: '1' }));
    for (const each of pages.slice(4)) store(each);
    expect(pages.map((each) => cache.find(each) !== undefined)).toEqual([true, false, true, true, true]);
  });

  it('count a replaced or invalidated page only once', () => {
    const { cache, page, store } = world(4 * SIZE);
    for (let count = 0; count < 100; count += 1) store(page());
    for (const cursor of ['2', '3', '4']) store(page({ cursor }));
    expect(cache.find(page())).toBeDefined();
    for (let count = 0; count < 100; count += 1) {
      store(page({ server: B }));
      cache.invalidate('b', 'tools/list');
    }
    expect(cache.find(page({ cursor: '4' }))).toBeDefined();
  });

  it('exclude a page larger than a quarter of the cache', () => {
    const { cache, page, store } = world(4 * SIZE);
    store(page(), { result: { tools: [{ name: 'x'.repeat(SIZE) }] } });
    expect(cache.find(page())).toBeUndefined();
  });

  it('allow at most ten thousand entries', () => {
    const { cache, page, store } = world(Number.MAX_SAFE_INTEGER);
    for (let count = 0; count <= 10_000; count += 1) store(page({ cursor: String(count) }));
    expect([cache.find(page({ cursor: '0' })), cache.find(page({ cursor: '1' }))?.result]).toEqual([undefined, TOOLS]);
  });

  it('disable the cache when its size is zero', () => {
    const { cache, page, store } = world(0);
    store(page());
    expect([cache.isEnabled, cache.find(page())]).toEqual([false, undefined]);
  });
});
