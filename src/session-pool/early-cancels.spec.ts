import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EarlyCancels } from './early-cancels.js';

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('a cancel that came before its call', () => {
  it('is used up by the call that it cancels', () => {
    const early = new EarlyCancels();
    early.record(1);
    expect([early.consume('1'), early.consume(1), early.consume(1)]).toEqual([false, true, false]);
  });

  it('holds for each part of a request that is put together', () => {
    const early = new EarlyCancels();
    early.record(1);
    expect([early.has(1), early.has(1), early.has(2)]).toEqual([true, true, false]);
  });

  it('is forgotten after half a minute', () => {
    const early = new EarlyCancels();
    early.record(1);
    early.record(2);
    jest.advanceTimersByTime(29_999);
    expect(early.consume(1)).toBe(true);
    jest.advanceTimersByTime(1);
    expect(early.consume(2)).toBe(false);
  });

  it('is none where the call is over: its client may use the id again', () => {
    const early = new EarlyCancels();
    early.recordEnd(1);
    early.record(1);
    expect(early.consume(1)).toBe(false);
  });

  it('is remembered for so many ids only, the latest', () => {
    const early = new EarlyCancels();
    for (let id = 0; id <= 64; id += 1) early.record(id);
    expect([early.consume(0), early.consume(1), early.consume(64)]).toEqual([false, true, true]);
  });

  it('counts again for an id that ended long before', () => {
    const early = new EarlyCancels();
    for (let id = 0; id <= 16; id += 1) early.recordEnd(id);
    early.record(0);
    early.record(1);
    expect([early.consume(0), early.consume(1)]).toEqual([true, false]);
  });
});
