import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { EarlyCancels } from './early-cancels.js';

let clock: ManualClock;

beforeEach(() => {
  clock = new ManualClock();
});

describe('a cancellation that arrives before its call', () => {
  it('consumes an early cancellation with the call that it cancels', () => {
    const cancels = new EarlyCancels(clock);
    cancels.record(1);
    expect([cancels.consume('1'), cancels.consume(1), cancels.consume(1)]).toEqual([false, true, false]);
  });

  it('applies an early cancellation to every part of a request', () => {
    const cancels = new EarlyCancels(clock);
    cancels.record(1);
    expect([cancels.has(1), cancels.has(1), cancels.has(2)]).toEqual([true, true, false]);
  });

  it('drops an early cancellation after 30 s', async () => {
    const cancels = new EarlyCancels(clock);
    cancels.record(1);
    cancels.record(2);
    await clock.advance(29_999);
    expect(cancels.consume(1)).toBe(true);
    await clock.advance(1);
    expect(cancels.consume(2)).toBe(false);
  });

  it('ignores the cancellation of a call that has ended, so that its id can be reused', () => {
    const cancels = new EarlyCancels(clock);
    cancels.recordEnd(1);
    cancels.record(1);
    expect(cancels.consume(1)).toBe(false);
  });

  it('remembers only the latest 64 early cancellations', () => {
    const cancels = new EarlyCancels(clock);
    for (let id = 0; id <= 64; id += 1) cancels.record(id);
    expect([cancels.consume(0), cancels.consume(1), cancels.consume(64)]).toEqual([false, true, true]);
  });

  it('records the cancellation of an id whose call ended before the latest 16', () => {
    const cancels = new EarlyCancels(clock);
    for (let id = 0; id <= 16; id += 1) cancels.recordEnd(id);
    cancels.record(0);
    cancels.record(1);
    expect([cancels.consume(0), cancels.consume(1)]).toEqual([true, false]);
  });
});
