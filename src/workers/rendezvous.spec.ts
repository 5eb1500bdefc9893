import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { WorkerId } from './worker-id.js';
import { rankByRendezvous } from './rendezvous.js';

const names = fc.uniqueArray(fc.base64String({ minLength: 4, maxLength: 24 }), { minLength: 1, maxLength: 12 });
const key = fc.string();
const newWorkers = (count: number): string[] => Array.from({ length: count }, () => new WorkerId().text);
const keys = Array.from({ length: 4_000 }, (_, index) => `principal server ${index}`);

describe('rankByRendezvous', () => {
  it('ranks every worker exactly once', () => {
    fc.assert(
      fc.property(key, names, (what, workers) => {
        expect(rankByRendezvous(what, workers).toSorted()).toEqual(workers.toSorted());
      }),
    );
  });

  it('returns the same ranking for any order of the workers', () => {
    const shuffled = names.chain((workers) =>
      fc.tuple(fc.constant(workers), fc.shuffledSubarray(workers, { minLength: workers.length })),
    );
    fc.assert(
      fc.property(key, shuffled, (what, [workers, others]) => {
        expect(rankByRendezvous(what, workers)).toEqual(rankByRendezvous(what, others));
      }),
    );
  });

  it('preserves the order of the remaining workers when one is removed', () => {
    fc.assert(
      fc.property(key, names, fc.nat(), (what, workers, which) => {
        const removed = workers[which % workers.length];
        const remaining = workers.filter((worker) => worker !== removed);
        expect(rankByRendezvous(what, remaining)).toEqual(
          rankByRendezvous(what, workers).filter((worker) => worker !== removed),
        );
      }),
    );
  });

  it('moves keys only to the new worker when one is added', () => {
    const before = newWorkers(4);
    const [added = ''] = newWorkers(1);
    const moved = keys.filter(
      (what) => rankByRendezvous(what, before)[0] !== rankByRendezvous(what, [...before, added])[0],
    );
    expect(moved.every((what) => rankByRendezvous(what, [...before, added])[0] === added)).toBe(true);
    // The expected share of the fifth worker is 800; six standard deviations are 152.
    expect(Math.abs(moved.length - keys.length / 5)).toBeLessThan(152);
  });

  it('distributes keys evenly', () => {
    const workers = newWorkers(8);
    const shares = new Map(workers.map((worker) => [worker, 0]));
    for (const what of keys) {
      const [first = ''] = rankByRendezvous(what, workers);
      shares.set(first, (shares.get(first) ?? 0) + 1);
    }
    // The expected share is 500; six standard deviations are 126.
    for (const share of shares.values()) expect(Math.abs(share - 500)).toBeLessThan(126);
  });

  it('distributes the keys of a removed worker over all remaining workers', () => {
    const workers = newWorkers(5);
    const seconds = keys.map((what) => rankByRendezvous(what, workers)).filter(([first]) => first === workers[0]);
    const receivers = new Set(seconds.map(([, second]) => second));
    expect(receivers).toEqual(new Set(workers.slice(1)));
  });

  it('returns an empty ranking for no workers', () => {
    expect(rankByRendezvous('any', [])).toEqual([]);
  });
});
