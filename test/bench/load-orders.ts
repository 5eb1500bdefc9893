import type { Order } from './orders.js';
import type { Era, Target, ToolUse } from './workload.js';

/** Call a tool repeatedly for `durationMs`. */
export interface LoadOrder extends Order<LoadReport> {
  readonly order: 'load';
  readonly target: Target;
  readonly era: Era;
  readonly concurrency: number;
  readonly durationMs: number;
  /** Where the sessions are opened. Default: `target`. */
  readonly openAt?: Target;
  /** Calls per second, independent of the answers. Absent: as many as possible. */
  readonly perSecond?: number;
  /** The called tool. Default: `weather`. */
  readonly use?: ToolUse;
  /** Number of different names of the called tool. Default: 1. Only legacy calls, and instead of `use`. */
  readonly toolNames?: number;
}

export interface LoadReport {
  readonly calls: number;
  /** Total length of all bodies. */
  readonly bytes: number;
  /** Number of wrong answers and of calls without an answer. */
  readonly errors: number;
  /** The first few errors, truncated. */
  readonly samples: readonly string[];
  readonly elapsedMs: number;
  /** CPU time of the load generator itself. */
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Open `count` legacy sessions and leave them idle. */
export interface SessionsOrder extends Order<SessionsReport> {
  readonly order: 'sessions';
  readonly target: Target;
  readonly count: number;
  readonly connections: number;
  /** Make one call in each session. */
  readonly used: boolean;
}

export interface SessionsReport {
  readonly opened: number;
}

/** Open `count` legacy sessions, each with a server stream that stays open until `leave`. */
export interface StreamsOrder extends Order<SessionsReport> {
  readonly order: 'streams';
  readonly target: Target;
  readonly openAt: Target;
  readonly count: number;
}

/** Report how many streams are open, and how many of them have received something since the last report. */
export interface ReceivedOrder extends Order<ReceivedReport> {
  readonly order: 'received';
}

export interface ReceivedReport {
  readonly open: number;
  readonly received: number;
}

/** Burden the gateway until `leave`: with calls that are never answered and with unread answers. */
export interface BurdenOrder extends Order<BurdenReport> {
  readonly order: 'burden';
  readonly target: Target;
  readonly hanging: number;
  readonly unread: number;
  /** Size of each unread answer. */
  readonly unreadBytes: number;
}

export interface BurdenReport {
  readonly connections: number;
}

/** Close everything that `streams` and `burden` have left open. */
export interface LeaveOrder extends Order<BurdenReport> {
  readonly order: 'leave';
}

/** Orders about connections that stay open between orders. */
export type HeldOrder = StreamsOrder | ReceivedOrder | BurdenOrder | LeaveOrder;
