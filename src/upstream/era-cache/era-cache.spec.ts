import { expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { EraCache } from './era-cache.js';

it('EraCache holds the eras of 10,000 servers, and forgets the one that was stored first beyond', () => {
  const cache = new EraCache(new ManualClock());
  const legacy = { era: 'legacy', sse: false } as const;
  for (let server = 0; server < 10_000; server += 1) cache.store(`server-${server}`, legacy);
  cache.store('server-0', legacy);
  cache.store('one-more', legacy);
  expect(cache.find('server-0')).toEqual(legacy);
  expect(cache.find('one-more')).toEqual(legacy);
  expect(cache.find('server-1')).toBeUndefined();
});

it('EraCache counts for modern and unknown servers whether it had a fresh profile', async () => {
  const clock = new ManualClock();
  const lookups = { hits: 0, misses: 0 };
  const cache = new EraCache(clock, lookups);
  const profile = { era: 'modern', revision: '2026-07-28', capabilities: {} } as const;
  cache.freshProfile('a');
  cache.store('a', { era: 'modern', profile });
  cache.freshProfile('a');
  cache.store('old', { era: 'legacy', sse: false });
  cache.freshProfile('old');
  await clock.advance(6 * 60_000);
  cache.freshProfile('a');
  expect(lookups).toEqual({ hits: 1, misses: 2 });
});
