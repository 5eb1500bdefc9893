import type { Order } from './orders.js';
import type { Era, Target, ToolUse } from './workload.js';

/** Call for so long. */
export interface LoadOrder extends Order<LoadReport> {
  readonly order: 'load';
  readonly target: Target;
  readonly era: Era;
  readonly concurrency: number;
  readonly durationMs: number;
  /** Where the sessions are opened, if not where the calls go. */
  readonly openAt?: Target;
  /** So many calls a second, however fast the answers come. Absent: as many as it can. */
  readonly perSecond?: number;
  /** What is called, if not the weather. */
  readonly use?: ToolUse;
}

export interface LoadReport {
  readonly calls: number;
  /** Of all bodies. */
  readonly bytes: number;
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

/** Open so many legacy sessions, each with a standing stream that stays open until `leave`. */
export interface StreamsOrder extends Order<SessionsReport> {
  readonly order: 'streams';
  readonly target: Target;
  readonly openAt: Target;
  readonly count: number;
}

/** Say how many streams are open, and how many of them have heard something since the last time. */
export interface HeardOrder extends Order<HeardReport> {
  readonly order: 'heard';
}

export interface HeardReport {
  readonly open: number;
  readonly heard: number;
}

/** Be a burden until `leave`: calls that are never answered, and answers that nobody reads. */
export interface BurdenOrder extends Order<BurdenReport> {
  readonly order: 'burden';
  readonly target: Target;
  readonly hanging: number;
  readonly unread: number;
  /** Of each unread answer. */
  readonly unreadBytes: number;
}

export interface BurdenReport {
  readonly connections: number;
}

/** Close all that `streams` and `burden` left open. */
export interface LeaveOrder extends Order<BurdenReport> {
  readonly order: 'leave';
}

/** What is about connections that stay open between orders. */
export type HeldOrder = StreamsOrder | HeardOrder | BurdenOrder | LeaveOrder;
