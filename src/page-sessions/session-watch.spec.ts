import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { MemoryPageSessionStore } from './page-session-store.js';
import { SessionWatch } from './session-watch.js';

let clock: ManualClock;
let store: MemoryPageSessionStore;
let watch: SessionWatch;
let ended: string[];

beforeEach(async () => {
  clock = new ManualClock();
  store = new MemoryPageSessionStore(clock);
  watch = new SessionWatch(store, clock);
  ended = [];
  const principal = { issuer: 'isthmus', subject: 'ada' };
  const endsAt = clock.now() + 60_000;
  for (const id of ['a', 'b'])
    await store.add(id, { principal, token: 't', loginMethod: 'token', tokenEndsAt: endsAt, endsAt });
});

describe('the watch over page sessions', () => {
  it('reports the end of a session once to each listener, within a second, and of no other session', async () => {
    watch.onEnded('a', () => ended.push('a 1'));
    watch.onEnded('a', () => ended.push('a 2'));
    watch.onEnded('b', () => ended.push('b'));
    await store.delete('a');
    await clock.advance(1_000);
    await clock.advance(5_000);
    expect(ended).toEqual(['a 1', 'a 2']);
  });

  it('reports the end of a session that expires', async () => {
    watch.onEnded('a', () => ended.push('a'));
    await clock.advance(61_000);
    expect(ended).toEqual(['a']);
  });

  it('reports nothing while the store is unavailable', async () => {
    store.find = async () => {
      throw new Error('unavailable');
    };
    watch.onEnded('a', () => ended.push('a'));
    await clock.advance(3_000);
    expect(ended).toEqual([]);
  });

  it('leaves no timer without a listener', async () => {
    const stop = watch.onEnded('a', () => ended.push('a'));
    stop();
    stop();
    expect(clock.pending).toBe(0);
  });
});
