import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { MemorySpentStates } from './spent-states.js';

describe('MemorySpentStates', () => {
  it('lets each state be used once', async () => {
    const states = new MemorySpentStates(new ManualClock());
    const [one, other] = [states.mint(), states.mint()];
    expect(await states.spend(one, 1_000)).toBe(true);
    expect(await states.spend(one, 1_000)).toBe(false);
    expect(await states.spend(other, 1_000)).toBe(true);
  });

  it('lets a state be used once more after it was restored', async () => {
    const states = new MemorySpentStates(new ManualClock());
    const one = states.mint();
    await states.spend(one, 1_000);
    await states.restore(one);
    expect([await states.spend(one, 1_000), await states.spend(one, 1_000)]).toEqual([true, false]);
  });

  it('refuses the states of an earlier process, which it cannot remember', async () => {
    const clock = new ManualClock();
    const before = new MemorySpentStates(clock).mint();
    expect(await new MemorySpentStates(clock).spend(before, 1_000)).toBe(false);
  });

  it('forgets expired states when it is full, whatever expires later', async () => {
    const clock = new ManualClock();
    const states = new MemorySpentStates(clock);
    await states.spend(states.mint(), 3_600_000);
    for (let used = 1; used < 100_000; used += 1) await states.spend(states.mint(), 1_000);
    await expect(states.spend(states.mint(), 1_000)).rejects.toThrow();
    await clock.advance(1_000);
    expect(await states.spend(states.mint(), 1_000)).toBe(true);
  });
});
