import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '#lib/time';

const RESOLUTION_MS = 20;
const NANOSECONDS_PER_MS = 1e6;
/** Shorter windows would contain too few measurements. */
const WINDOW_MS = 1_000;
const PERCENTILE = 99;

interface Measurements {
  readonly count: number;
  /** Nanoseconds. */
  readonly sum: number;
}

type Histogram = Pick<
  ReturnType<typeof monitorEventLoopDelay>,
  'count' | 'mean' | 'percentile' | 'reset' | 'enable' | 'disable'
>;

const NONE: Measurements = { count: 0, sum: 0 };

/** The delay of the event loop of this process. Probes and metrics read it in windows of their own. */
export class EventLoopDelay implements OnApplicationShutdown {
  /** Those that the histogram no longer contains. */
  private past = NONE;
  private windowStart = NONE;
  private windowStartedAt: number;
  private meanMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly histogram: Histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS }),
  ) {
    this.windowStartedAt = clock.monotonicNow();
    this.histogram.enable();
  }

  /** Returns the mean in milliseconds between the last two calls that were at least a second apart. */
  readMeanMs(): number {
    const now = this.clock.monotonicNow();
    if (now - this.windowStartedAt < WINDOW_MS) return this.meanMs;
    const { count, sum } = this.total;
    const measured = count - this.windowStart.count;
    this.meanMs = measured === 0 ? 0 : toDelayMs((sum - this.windowStart.sum) / measured);
    this.windowStart = { count, sum };
    this.windowStartedAt = now;
    return this.meanMs;
  }

  /** Returns the 99th percentile in milliseconds since its last call. */
  takeP99Ms(): number {
    const delayMs = toDelayMs(this.histogram.percentile(PERCENTILE));
    this.past = this.total;
    this.histogram.reset();
    return delayMs;
  }

  onApplicationShutdown(): void {
    this.histogram.disable();
  }

  private get total(): Measurements {
    const { count, mean } = this.histogram;
    // Without a measurement the mean is not a number.
    if (count === 0) return this.past;
    return { count: this.past.count + count, sum: this.past.sum + mean * count };
  }
}

/** The histogram measures the time between two timers, which includes the interval of the timer. */
const toDelayMs = (nanoseconds: number): number =>
  Math.max(0, Math.round(nanoseconds / NANOSECONDS_PER_MS) - RESOLUTION_MS);
