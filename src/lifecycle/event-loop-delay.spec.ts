import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { EventLoopDelay } from './index.js';

const NANOSECONDS_PER_MS = 1e6;
/** The event loop runs on time when its timer of 20 ms runs after 20 ms. */
const INTERVAL_MS = 20;

/** A histogram of what a spec measures. */
class FakeHistogram {
  private values: number[] = [];

  measure(...delaysMs: number[]): void {
    this.values.push(...delaysMs.map((ms) => (INTERVAL_MS + ms) * NANOSECONDS_PER_MS));
  }

  get count(): number {
    return this.values.length;
  }

  get mean(): number {
    return this.values.reduce((sum, value) => sum + value, 0) / this.values.length;
  }

  percentile(): number {
    return Math.max(0, ...this.values);
  }

  reset(): void {
    this.values = [];
  }

  enable = (): boolean => true;
  disable = (): boolean => true;
}

let clock: ManualClock;
let histogram: FakeHistogram;
let delay: EventLoopDelay;

beforeEach(() => {
  clock = new ManualClock();
  histogram = new FakeHistogram();
  delay = new EventLoopDelay(clock, histogram);
});

describe('the delay of the event loop', () => {
  it('is the mean between two readings that are at least a second apart', async () => {
    histogram.measure(100, 300);
    await clock.advance(1_000);
    expect(delay.readMeanMs()).toBe(200);
    histogram.measure(50);
    await clock.advance(999);
    expect(delay.readMeanMs()).toBe(200);
    await clock.advance(1);
    expect(delay.readMeanMs()).toBe(50);
    await clock.advance(1_000);
    expect(delay.readMeanMs()).toBe(0);
  });

  it('is read by metrics and probes without an effect on each other', async () => {
    histogram.measure(100, 300);
    expect(delay.takeP99Ms()).toBe(300);
    expect(delay.takeP99Ms()).toBe(0);
    histogram.measure(500);
    await clock.advance(1_000);
    expect(delay.readMeanMs()).toBe(300);
    expect(delay.takeP99Ms()).toBe(500);
    histogram.measure(40);
    await clock.advance(1_000);
    expect(delay.readMeanMs()).toBe(40);
  });
});
