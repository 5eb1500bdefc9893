import { expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { TraceRate } from './trace-rate.js';

it('admits a trace every two seconds at half a trace per second', async () => {
  const clock = new ManualClock();
  const rate = new TraceRate(0.5, clock);
  expect([rate.admitsTrace(), rate.admitsTrace()]).toEqual([true, false]);
  await clock.advance(1_000);
  expect(rate.admitsTrace()).toBe(false);
  await clock.advance(1_000);
  expect(rate.admitsTrace()).toBe(true);
});
