import type { Order } from './orders.js';
import type { Era, Target } from './workload.js';

/** Call for so long. */
export interface LoadOrder extends Order<LoadReport> {
  readonly order: 'load';
  readonly target: Target;
  readonly era: Era;
  readonly concurrency: number;
  readonly durationMs: number;
}

export interface LoadReport {
  readonly calls: number;
  /** Answers that were wrong, and calls that got none. */
  readonly errors: number;
  /** The first few of them, cut short. */
  readonly samples: readonly string[];
  readonly elapsedMs: number;
  /** Of the load generator itself. */
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Open so many legacy sessions and leave them. */
export interface SessionsOrder extends Order<SessionsReport> {
  readonly order: 'sessions';
  readonly target: Target;
  readonly count: number;
  readonly connections: number;
  /** One call in each before it is left. */
  readonly used: boolean;
}

export interface SessionsReport {
  readonly opened: number;
}
