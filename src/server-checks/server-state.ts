import type { ProbeResult } from '../upstream/index.js';

/** What a health check found. `idle`: no process of the server runs, and a check starts none. */
export type Finding = ProbeResult | { readonly idle: true };

/** The result of a health check. `unknown`: it found nothing, and the state of the server stays as it was. */
export type CheckResult = Finding | { readonly unknown: true };

/** A failed check. */
export interface CheckError {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Error code of docs/errors.md. */
  readonly code: number;
  readonly reason: string;
  /** What operators need to mend it. Callers are not told. */
  readonly detail?: string;
}

/** The state of a server by its health checks. Times are milliseconds since the Unix epoch. */
export interface ServerState {
  /** `unknown` until the first check has succeeded, or enough have failed. */
  readonly state: 'up' | 'down' | 'idle' | 'unknown';
  /** When the server entered this state. */
  readonly since: number;
  readonly checkedAt: number;
  /** Id of the worker that made the last check. */
  readonly checkedBy: string;
  /** Duration of the last check in milliseconds. */
  readonly latencyMs?: number;
  /** Number of failed checks since the last successful one. */
  readonly failures: number;
  /** Number of successful checks since the last failed one, while the server is down. */
  readonly successes: number;
  /** Numbers the changes of the state, which identifies each of them at every worker. */
  readonly changes: number;
  readonly lastError?: CheckError;
}

/** How many consecutive checks decide. */
export interface Thresholds {
  readonly downAfter: number;
  readonly upAfter: number;
}

/** The state of a server after a check. */
export function nextState(
  before: ServerState | undefined,
  result: Finding,
  { downAfter, upAfter }: Thresholds,
  { now, worker }: { readonly now: number; readonly worker: string },
): ServerState {
  const { state: last = 'unknown', since = now, changes = 0, lastError } = before ?? {};
  const isAnswered = 'answered' in result && result.answered;
  const isFailed = 'answered' in result && !result.answered;
  const failures = isFailed ? (before?.failures ?? 0) + 1 : 0;
  const successes = isAnswered ? (before?.successes ?? 0) + 1 : 0;
  const decided = decide(last, { isAnswered, isFailed }, failures >= downAfter, successes >= upAfter);
  const error = isFailed ? toCheckError(result, now) : lastError;
  return {
    state: decided,
    since: decided === last ? since : now,
    checkedAt: now,
    checkedBy: worker,
    ...('latencyMs' in result && { latencyMs: result.latencyMs }),
    failures,
    successes,
    changes: decided === last ? changes : changes + 1,
    ...(error && { lastError: error }),
  };
}

type State = ServerState['state'];

function decide(
  last: State,
  { isAnswered, isFailed }: { readonly isAnswered: boolean; readonly isFailed: boolean },
  hasFailedEnough: boolean,
  hasSucceededEnough: boolean,
): State {
  if (isFailed) return hasFailedEnough ? 'down' : last;
  if (!isAnswered) return 'idle';
  return last !== 'down' || hasSucceededEnough ? 'up' : 'down';
}

function toCheckError(failed: Extract<ProbeResult, { answered: false }>, at: number): CheckError {
  const { code, reason, detail } = failed;
  return { at, code, reason, ...(detail !== undefined && { detail }) };
}
