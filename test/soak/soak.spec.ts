import { describe, expect, it } from '@jest/globals';
import { CallLedger } from './call-ledger.js';
import { SeededRandom } from './seeded-random.js';
import { readOptions } from './options.js';
import { trendOf } from './trend.js';

describe('SeededRandom', () => {
  it('returns the same numbers for the same seed', () => {
    const throws = (seed: number) => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 20 }, () => random.pick(['a', 'b', 'c']));
    };
    expect(throws(7)).toEqual(throws(7));
    expect(throws(7)).not.toEqual(throws(8));
    expect(new Set(throws(7)).size).toBe(3);
  });
});

describe('the trend of a figure', () => {
  it('is the growth of the regression line', () => {
    const rising = Array.from({ length: 11 }, (_, at) => ({ atMs: at * 100, value: 50 + at * 2 }));
    expect(trendOf(rising).grown).toBeCloseTo(20);
    expect(trendOf(rising.map(({ atMs }) => ({ atMs, value: 9 })))).toEqual({ grown: 0, mean: 9 });
    expect(trendOf([])).toMatchObject({ grown: 0 });
  });
});

describe('CallLedger', () => {
  const judged = (outcome: 'success' | 'not_executed' | 'unknown', arrivals: number) => {
    const ledger = new CallLedger();
    const call = ledger.begin('legacy', 'echo', 'a worker');
    ledger.end(call, { outcome, received: '' });
    ledger.check({ [call.mark]: arrivals });
    return ledger.violations.map(({ what }) => what);
  };

  it('reports outcomes that contradict the arrivals at the server', () => {
    expect(judged('success', 1)).toEqual([]);
    expect(judged('success', 2)).toEqual(['reached its server more than once']);
    expect(judged('success', 0)).toEqual(['success without an arrival at the server']);
    expect(judged('not_executed', 0)).toEqual([]);
    expect(judged('not_executed', 1)).toEqual(['not_executed, and reached its server']);
    expect(judged('unknown', 1)).toEqual([]);
  });

  it('reports a call without an answer', () => {
    const ledger = new CallLedger();
    ledger.begin('modern', 'echo', 'a worker');
    ledger.check({});
    expect(ledger.violations).toMatchObject([{ what: 'never answered' }]);
  });
});

describe('options of the soak', () => {
  it('accepts a duration and a seed and has defaults for both', () => {
    expect(readOptions(['--minutes', '5', '--seed', '42'])).toEqual({ minutes: 5, seed: 42 });
    expect(readOptions([]).minutes).toBe(30);
    expect(() => readOptions(['--minutes', 'long'])).toThrow('minutes');
  });
});
