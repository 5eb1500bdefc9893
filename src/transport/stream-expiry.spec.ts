import { beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import * as fc from 'fast-check';
import { ANONYMOUS } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf } from '../../test/support/fake-upstream.js';
import { StreamExpiry } from './stream-expiry.js';

let clock: ManualClock;
let expiry: StreamExpiry;

beforeEach(() => {
  clock = new ManualClock();
  expiry = new StreamExpiry(clock);
});

const expiringIn = (ms: number) => ({ ...callerOf('me'), acceptedUntilMs: clock.now() + ms });

describe('StreamExpiry', () => {
  it('notifies each stream once, never before its token expires and within two seconds after', async () => {
    const duration = fc.integer({ min: -5_000, max: 20_000 });
    await fc.assert(
      fc.asyncProperty(fc.array(duration, { minLength: 1, maxLength: 20 }), async (durations) => {
        const notified: { at: number; due: number }[] = [];
        for (const ms of durations) {
          const caller = expiringIn(ms);
          const opened = clock.now();
          const due = Math.max(caller.acceptedUntilMs, opened);
          expiry.onExpired(caller, () => notified.push({ at: clock.now(), due }));
        }
        await clock.advance(30_000);
        expect(notified).toHaveLength(durations.length);
        for (const { at, due } of notified) expect(at - due >= 0 && at - due <= 2_000).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('runs one timer for all streams, and none without streams', async () => {
    const stops = Array.from({ length: 1_000 }, (_, index) =>
      expiry.onExpired(expiringIn(index * 100), () => undefined),
    );
    expect(clock.pending).toBe(1);
    for (const stop of stops) stop();
    expect(clock.pending).toBe(0);
    expiry.onExpired(expiringIn(100), () => undefined);
    await clock.advance(2_000);
    expect(clock.pending).toBe(0);
  });

  it('does not notify a stream that has ended, nor one without a token', async () => {
    const notified: string[] = [];
    expiry.onExpired(ANONYMOUS, () => notified.push('anonymous'));
    expiry.onExpired(expiringIn(100), () => notified.push('ended'))();
    await clock.advance(5_000);
    expect(notified).toEqual([]);
  });

  it('notifies the other streams when one of them fails', async () => {
    Logger.overrideLogger(false);
    const notified: string[] = [];
    expiry.onExpired(expiringIn(100), () => notified.push('first'));
    expiry.onExpired(expiringIn(100), () => {
      throw new Error('It cannot end.');
    });
    expiry.onExpired(expiringIn(100), () => notified.push('last'));
    expiry.onExpired(expiringIn(3_000), () => notified.push('later'));
    await clock.advance(5_000);
    expect(notified).toEqual(['first', 'last', 'later']);
    expect(clock.pending).toBe(0);
  });

  it('notifies every expired stream when the time of the machine jumps', async () => {
    const notified: number[] = [];
    for (const hours of [1, 2, 30]) expiry.onExpired(expiringIn(hours * 3_600_000), () => notified.push(hours));
    clock.stall(24 * 3_600_000);
    await clock.advance(1_000);
    expect(notified).toEqual([1, 2]);
  });
});
