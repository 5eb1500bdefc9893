import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { WorkerId } from './worker-id.js';
import { rankByRendezvous } from './rendezvous.js';

const names = fc.uniqueArray(fc.base64String({ minLength: 4, maxLength: 24 }), { minLength: 1, maxLength: 12 });
const key = fc.string();
const newWorkers = (count: number): string[] => Array.from({ length: count }, () => new WorkerId().text);
const keys = Array.from({ length: 4_000 }, (_, index) => `principal server ${index}`);

describe('the order in which workers are to have something', () => {
  it('names each of them once', () => {
    fc.assert(
      fc.property(key, names, (what, workers) => {
        expect(rankByRendezvous(what, workers).toSorted()).toEqual(workers.toSorted());
      }),
    );
  });

  it('is the same whoever asks, in whatever order they know the workers', () => {
    const shuffled = names.chain((workers) =>
      fc.tuple(fc.constant(workers), fc.shuffledSubarray(workers, { minLength: workers.length })),
    );
    fc.assert(
      fc.property(key, shuffled, (what, [workers, others]) => {
        expect(rankByRendezvous(what, workers)).toEqual(rankByRendezvous(what, others));
      }),
    );
  });

  it('does not change among those who stay when one goes', () => {
    fc.assert(
      fc.property(key, names, fc.nat(), (what, workers, which) => {
        const gone = workers[which % workers.length];
        const left = workers.filter((worker) => worker !== gone);
        expect(rankByRendezvous(what, left)).toEqual(
          rankByRendezvous(what, workers).filter((worker) => worker !== gone),
        );
      }),
    );
  });

  it('takes nothing from those who stay when one comes, but for the new one', () => {
    const before = newWorkers(4);
    const [added = ''] = newWorkers(1);
    const moved = keys.filter(
      (what) => rankByRendezvous(what, before)[0] !== rankByRendezvous(what, [...before, added])[0],
    );
    expect(moved.every((what) => rankByRendezvous(what, [...before, added])[0] === added)).toBe(true);
    // A fifth is due to the fifth: 800. Six standard deviations are 152.
    expect(Math.abs(moved.length - keys.length / 5)).toBeLessThan(152);
  });

  it('gives each its share', () => {
    const workers = newWorkers(8);
    const shares = new Map(workers.map((worker) => [worker, 0]));
    for (const what of keys) {
      const [first = ''] = rankByRendezvous(what, workers);
      shares.set(first, (shares.get(first) ?? 0) + 1);
    }
    // 500 are due to each; six standard deviations are 126.
    for (const share of shares.values()) expect(Math.abs(share - 500)).toBeLessThan(126);
  });

  it('spreads what one leaves over all who stay', () => {
    const workers = newWorkers(5);
    const seconds = keys.map((what) => rankByRendezvous(what, workers)).filter(([first]) => first === workers[0]);
    const heirs = new Set(seconds.map(([, second]) => second));
    expect(heirs).toEqual(new Set(workers.slice(1)));
  });

  it('is empty where nobody is', () => {
    expect(rankByRendezvous('any', [])).toEqual([]);
  });
});
