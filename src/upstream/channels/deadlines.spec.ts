import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { Deadlines, type Expiring } from './deadlines.js';

const item = (name: string, log: string[]): Expiring => ({ expiresAt: 0, expire: () => void log.push(name) });

describe('Deadlines', () => {
  let clock: ManualClock;
  beforeEach(() => void (clock = new ManualClock()));

  it('expires each item within one sweep interval after its deadline, and not before', async () => {
    const deadlines = new Deadlines(clock);
    const log: string[] = [];
    deadlines.add(item('late', log), 2_000);
    deadlines.add(item('soon', log), 500);
    await clock.advance(400);
    expect(log).toEqual([]);
    await clock.advance(300);
    expect(log).toEqual(['soon']);
    await clock.advance(1_500);
    expect(log).toEqual(['soon', 'late']);
  });

  it('does not expire an item that was removed', async () => {
    const deadlines = new Deadlines(clock);
    const log: string[] = [];
    const removed = item('removed', log);
    deadlines.add(removed, 500);
    deadlines.add(item('remaining', log), 500);
    deadlines.remove(removed, 500);
    await clock.advance(1_000);
    expect(log).toEqual(['remaining']);
  });

  it('stops its timer when no item is left', async () => {
    const deadlines = new Deadlines(clock);
    deadlines.add(item('only', []), 100);
    await clock.advance(300);
    expect(clock.pending).toBe(0);
  });
});
