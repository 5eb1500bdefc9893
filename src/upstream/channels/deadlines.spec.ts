import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Deadlines, type Expiring } from './deadlines.js';

const item = (name: string, log: string[]): Expiring => ({ expiresAt: 0, expire: () => void log.push(name) });

describe('Deadlines', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('expires each item within one sweep interval after its deadline, and not before', () => {
    const deadlines = new Deadlines();
    const log: string[] = [];
    deadlines.add(item('late', log), 2_000);
    deadlines.add(item('soon', log), 500);
    jest.advanceTimersByTime(400);
    expect(log).toEqual([]);
    jest.advanceTimersByTime(300);
    expect(log).toEqual(['soon']);
    jest.advanceTimersByTime(1_500);
    expect(log).toEqual(['soon', 'late']);
  });

  it('does not expire an item that was removed', () => {
    const deadlines = new Deadlines();
    const log: string[] = [];
    const removed = item('removed', log);
    deadlines.add(removed, 500);
    deadlines.add(item('remaining', log), 500);
    deadlines.remove(removed, 500);
    jest.advanceTimersByTime(1_000);
    expect(log).toEqual(['remaining']);
  });

  it('stops its timer when no item is left', () => {
    const deadlines = new Deadlines();
    deadlines.add(item('only', []), 100);
    jest.advanceTimersByTime(300);
    expect(jest.getTimerCount()).toBe(0);
  });
});
