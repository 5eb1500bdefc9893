import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { withDeadline } from './index.js';

const refuse = (): never => {
  throw new Error('late');
};

describe('withDeadline', () => {
  it('resolves or rejects like work that ends in time, and leaves no timer', async () => {
    const clock = new ManualClock();
    expect(await withDeadline(clock, 10, Promise.resolve(7), refuse)).toBe(7);
    await expect(withDeadline(clock, 10, Promise.reject(new Error('down')), refuse)).rejects.toThrow('down');
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['resolves with what onLate returns', () => 'late'],
    ['rejects with what onLate throws', refuse],
  ])('%s once the work has taken too long, whatever the work does afterwards', async (_what, onLate) => {
    const clock = new ManualClock();
    const work = Promise.withResolvers<string>();
    const settled = withDeadline(clock, 10, work.promise, onLate).catch((cause: Error) => cause.message);
    await clock.advance(10);
    work.reject(new Error('down'));
    expect(await settled).toBe('late');
  });
});
