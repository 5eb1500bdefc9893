import { Injectable } from '@nestjs/common';
import { EventLoopDelay } from '../lifecycle/index.js';
import type { Meters } from './meters.js';
import { counter, max, sum } from './observed-metrics.js';

const MILLISECONDS = 1e3;
const MICROSECONDS = 1e6;

/** What this process uses of its machine, read when the metrics are collected. */
@Injectable()
export class ProcessGauges {
  constructor(private readonly eventLoop: EventLoopDelay) {}

  register(meters: Meters): void {
    const p99 = () => this.eventLoop.takeP99Ms() / MILLISECONDS;
    const memory = () => process.memoryUsage();
    const cpuSeconds = () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / MICROSECONDS;
    };
    for (const metric of [
      max('isthmus_event_loop_delay_p99_seconds', 'Delay of the event loop since the last collection.', p99),
      sum('process_resident_memory_bytes', 'Resident memory.', () => memory().rss),
      sum('nodejs_heap_used_bytes', 'Used heap of JavaScript.', () => memory().heapUsed),
      counter('process_cpu_seconds_total', 'Processor time.', cpuSeconds),
    ])
      meters.observe(metric);
  }
}
