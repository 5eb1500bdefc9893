import type { FrameFault } from './world/relay/frame-faults.js';
import type { CommandFault } from './world/relay/command-faults.js';

/** What a server does with a call. `defect`: the gateway's handler throws after the server has answered. */
export const BEHAVIOURS = ['ok', 'tool-error', '401', '500', 'null', 'foreign-id', 'cut', 'lost', 'defect'] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

/** One request of a client. Times are virtual ms since the first request. */
export interface PlannedRequest {
  readonly at: number;
  /** Index of the worker that receives the request. */
  readonly via: number;
  readonly session: number;
  readonly budgetMs: number;
  readonly behaviour: Behaviour;
  /** Duration of the call at the server. */
  readonly workMs: number;
  /** Number of progress notifications during the call. */
  readonly steps: number;
  /** Delay after which the client cancels. */
  readonly cancelAfterMs?: number;
}

/** A fault of a worker, the relay, a frame or a command. */
export type Fault =
  | FrameFault
  | CommandFault
  | { readonly kind: 'freeze'; readonly worker: number; readonly at: number; readonly ms: number }
  // `twin`: a second process with the same configuration starts beside it.
  | { readonly kind: 'kill' | 'leave' | 'twin'; readonly worker: number; readonly at: number }
  | {
      readonly kind: 'reset';
      readonly worker: number;
      readonly at: number;
      readonly which: 'both' | 'commands' | 'subscription';
    }
  | { readonly kind: 'restart'; readonly worker: number; readonly at: number; readonly ms: number }
  | {
      readonly kind: 'cut-off';
      readonly worker: number;
      readonly at: number;
      readonly ms: number;
      readonly resets: boolean;
    }
  | { readonly kind: 'flush-redis'; readonly at: number }
  | { readonly kind: 'freeze-redis' | 'restart-redis' | 'fail-over'; readonly at: number; readonly ms: number }
  | { readonly kind: 'split'; readonly at: number; readonly ms: number; readonly staying: readonly number[] };

/** The complete and repeatable input of a run, as plain data. */
export interface Scenario {
  readonly seed: number;
  /** Clock rate of each worker: its milliseconds per virtual millisecond. */
  readonly clocks: readonly number[];
  /** Time for which the workers have run before the first request. */
  readonly ageMs: number;
  readonly maxLatencyMs: number;
  readonly lagMs: number;
  readonly isCluster: boolean;
  /** Index of the owner of each session. */
  readonly sessions: readonly number[];
  readonly requests: readonly PlannedRequest[];
  readonly faults: readonly Fault[];
}

/** Maximum time between a request and its last frame. */
const FRAMES_AFTER_MS = 3_000;

/** Maximum duration of a worker's drain: two handoff timeouts and a margin. */
const LEAVING_MS = 6_500;

/** When all planned faults are over, in ms since the first request. */
export function endOfFaults({ faults, requests }: Scenario): number {
  const lastRequest = Math.max(0, ...requests.map(({ at }) => at));
  return Math.max(lastRequest, ...faults.map((fault) => endOf(fault, lastRequest)));
}

function endOf(fault: Fault, lastRequest: number): number {
  if (fault.kind === 'leave') return fault.at + LEAVING_MS;
  const begin = 'worker' in fault || !('nth' in fault) ? fault.at : lastRequest + FRAMES_AFTER_MS;
  return begin + ('ms' in fault ? fault.ms : 0);
}
