import type { FrameFault } from './world/relay/frame-faults.js';
import type { CommandFault } from './world/relay/command-faults.js';

/** What a server does with a call. `defect`: our own handler breaks after the server has answered. */
export const BEHAVIOURS = ['ok', 'tool-error', '401', '500', 'null', 'foreign-id', 'cut', 'lost', 'defect'] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

/** One request of a client. Times are true ms since the requests began. */
export interface PlannedRequest {
  readonly at: number;
  /** The worker that it reaches. */
  readonly via: number;
  readonly session: number;
  readonly budgetMs: number;
  readonly behaviour: Behaviour;
  /** How long the server works. */
  readonly workMs: number;
  /** How often it tells of progress meanwhile. */
  readonly steps: number;
  /** The client cancels so long after it has asked. */
  readonly cancelAfterMs?: number;
}

/** What befalls a worker, the relay, a frame or a command. */
export type Fault =
  | FrameFault
  | CommandFault
  | { readonly kind: 'freeze'; readonly worker: number; readonly at: number; readonly ms: number }
  // `twin`: another process comes up beside it, from the same machine and in the same way.
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

/** All that a world needs to come about, and to come about again. Plain data. */
export interface Scenario {
  readonly seed: number;
  /** How many of its own milliseconds pass in a true one, for each worker. */
  readonly clocks: readonly number[];
  /** How long the workers have run when the requests begin. */
  readonly ageMs: number;
  readonly maxLatencyMs: number;
  readonly lagMs: number;
  readonly isCluster: boolean;
  /** The worker that owns each session. */
  readonly sessions: readonly number[];
  readonly requests: readonly PlannedRequest[];
  readonly faults: readonly Fault[];
}

/** The longest that a frame may take on its way, after the request that it belongs to. */
const FRAMES_AFTER_MS = 3_000;

/** A worker that leaves may wait for so long for an newOwner, twice. */
const LEAVING_MS = 6_500;

/** When nothing that was planned can be under way any more, ms since the requests began. */
export function endOfFaults({ faults, requests }: Scenario): number {
  const lastRequest = Math.max(0, ...requests.map(({ at }) => at));
  return Math.max(lastRequest, ...faults.map((fault) => endOf(fault, lastRequest)));
}

function endOf(fault: Fault, lastRequest: number): number {
  if (fault.kind === 'leave') return fault.at + LEAVING_MS;
  const begin = 'worker' in fault || !('nth' in fault) ? fault.at : lastRequest + FRAMES_AFTER_MS;
  return begin + ('ms' in fault ? fault.ms : 0);
}
