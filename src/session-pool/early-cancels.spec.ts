import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EarlyCancels } from './early-cancels.js';

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('a cancellation that arrives before its call', () => {
  it('consumes an early cancellation with the call that it cancels', () => {
    const early = new EarlyCancels();
    early.record(1);
    expect([early.consume('1'), early.consume(1), early.consume(1)]).toEqual([false, true, false]);
  });

  it('applies an early cancellation to every part of a request', () => {
    const early = new EarlyCancels();
    early.record(1);
    expect([early.has(1), early.has(1), early.has(2)]).toEqual([true, true, false]);
  });

  it('drops an early cancellation after 30 s', () => {
    const early = new EarlyCancels();
    early.record(1);
    early.record(2);
    jest.advanceTimersByTime(29_999);
    expect(early.consume(1)).toBe(true);
    jest.advanceTimersByTime(1);
    expect(early.consume(2)).toBe(false);
  });

  it('ignores the cancellation of a call that has ended, so that its id can be reused', () => {
    const early = new EarlyCancels();
    early.recordEnd(1);
    early.record(1);
    expect(early.consume(1)).toBe(false);
  });

  it('remembers only the latest 64 early cancellations', () => {
    const early = new EarlyCancels();
    for (let id = 0; id <= 64; id += 1) early.record(id);
    expect([early.consume(0), early.consume(1), early.consume(64)]).toEqual([false, true, true]);
  });

  it('records the cancellation of an id whose call ended before the latest 16', () => {
    const early = new EarlyCancels();
    for (let id = 0; id <= 16; id += 1) early.recordEnd(id);
    early.record(0);
    early.record(1);
    expect([early.consume(0), early.consume(1)]).toEqual([true, false]);
  });
});
