import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Latencies } from './latencies.js';
import { median } from './median.js';
import { readOptions } from './options.js';
import { CallPacer } from './call-pacer.js';

describe('Latencies', () => {
  it('returns quantiles with microsecond resolution', () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 100; ms += 1) latencies.add(ms / 10);
    expect(latencies.quantile(0.5)).toBe(5);
    expect(latencies.quantile(0.99)).toBe(9.9);
    expect(latencies.quantile(1)).toBe(10);
  });

  it('returns the slowest value for quantiles above the last bucket', () => {
    const latencies = new Latencies();
    latencies.add(1);
    latencies.add(2_500);
    expect(latencies.quantile(0.5)).toBe(1);
    expect(latencies.quantile(0.99)).toBe(2_500);
  });

  it('returns NaN without values', () => {
    expect(new Latencies().quantile(0.5)).toBeNaN();
  });
});

describe('median', () => {
  it('is the middle value, or the mean of the two middle values', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});

describe('options of the bench', () => {
  it('accepts selected subjects and an output file', () => {
    const { subjects, json } = readOptions(['--only', 'gateway, bare proxy', '--json', 'figures.json']);
    expect(subjects).toEqual(['gateway', 'bare proxy']);
    expect(json).toBe('figures.json');
  });

  it('accepts studies beside subjects and runs only the selected ones', () => {
    expect(readOptions(['--only', 'large,direct'])).toMatchObject({ subjects: ['direct'], studies: ['large'] });
    expect(readOptions(['--only', 'gateway']).studies).toEqual([]);
  });

  it('measures shorter rounds with --quick', () => {
    expect(readOptions(['--quick']).plan.roundMs).toBeLessThan(readOptions([]).plan.roundMs);
  });

  it('rejects unknown names and flags', () => {
    expect(() => readOptions(['--only', 'nginx'])).toThrow('nginx');
    expect(() => readOptions(['--fast'])).toThrow('--fast');
  });
});

describe('CallPacer', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('limits calls to its rate and keeps turns that fall due while all callers are busy', () => {
    const pace = new CallPacer(100);
    const turns: number[] = [];
    const again = (dueAtMs: number): void => {
      turns.push(dueAtMs);
      if (turns.length !== 3 && turns.length < 12) pace.schedule(again);
    };
    pace.schedule(again);
    jest.advanceTimersByTime(100);
    expect(turns).toHaveLength(3);
    pace.schedule(again);
    expect(turns).toHaveLength(11);
    expect(performance.now() - (turns[3] ?? 0)).toBeGreaterThan(50);
    pace.stop();
    expect(turns).toHaveLength(12);
  });
});
